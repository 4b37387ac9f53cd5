// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/node_table.h"

#include <sys/stat.h>

#include <algorithm>

namespace downwardfs {
namespace {

constexpr char kDataLink[] = "..data";
// Cookies in the root: ".", "..", `..data`, the data directory, then the links by their node ids.
constexpr std::uint64_t kDataLinkCookie = 3;
constexpr std::uint64_t kDataDirCookie = 4;
constexpr std::uint64_t kFirstLinkCookie = 16;
// A directory's size as tmpfs has it: 20 bytes per name, "." and ".." among them.
constexpr std::uint64_t kBytesPerName = 20;

constexpr std::uint32_t kRootMode = 01777;
constexpr std::uint32_t kGroupFileBits = 0440;
constexpr std::uint32_t kGroupDirectoryBits = 02550;

}  // namespace

NodeTable::NodeTable(Ownership ownership, WallTime created)
    : ownership_(ownership), root_time_(created) {}

const NodeTable::Live& NodeTable::Current() const {
  return live_.at(current_);
}

NodeTable::Flip NodeTable::Install(VolumeVersionPtr version, std::string resource_version) {
  MutexLock lock(mutex_);
  Flip flip;
  const NodeId before = current_;
  current_ = next_id_;
  next_id_ += 1 + version->size();
  // The root's time must grow with every flip, or the kernel would keep its cached listing.
  root_time_ = std::max(version->created(), root_time_ + std::chrono::nanoseconds(1));
  data_dirs_[version->data_dir()] = current_;
  live_[current_] = Live{std::move(version), std::move(resource_version), 0, true};
  if (before != 0) {
    ++flips_;
    flip.retired = before;
    flip.stale_names.emplace_back(kDataLink);
  }
  UpdateLinks(flip.stale_names);
  return flip;
}

void NodeTable::UpdateLinks(std::vector<std::string>& stale) {
  const VolumeVersion& version = *Current().version;
  for (auto it = links_.begin(); it != links_.end();) {
    Link& link = it->second;
    if (link.listed && !version.Child(0, link.name)) {
      link.listed = false;
      stale.push_back(link.name);
    }
    it = !link.listed && link.lookups == 0 ? links_.erase(it) : std::next(it);
  }
  for (const std::uint32_t child : version.entry(0).children) {
    const std::string& name = version.entry(child).name;
    const auto it = std::find_if(links_.begin(), links_.end(),
                                 [&](const auto& pair) { return pair.second.name == name; });
    if (it != links_.end()) {
      it->second.listed = true;
    } else {
      links_[next_id_++] = Link{name, 0, true, version.created()};
    }
  }
}

void NodeTable::SetResourceVersion(std::string resource_version) {
  MutexLock lock(mutex_);
  if (current_ != 0) live_[current_].resource_version = std::move(resource_version);
}

std::optional<std::string> NodeTable::Expire(std::uint64_t retired) {
  MutexLock lock(mutex_);
  const auto it = live_.find(retired);
  if (it == live_.end() || it->first == current_) return std::nullopt;
  it->second.resolves = false;
  std::string name = it->second.version->data_dir();
  data_dirs_.erase(name);
  DropIfUnused(retired);
  return name;
}

void NodeTable::DropIfUnused(NodeId base) {
  const auto it = live_.find(base);
  if (it == live_.end() || base == current_) return;
  if (!it->second.resolves && it->second.lookups == 0) live_.erase(it);
}

std::optional<NodeTable::Located> NodeTable::Locate(NodeId id) const {
  auto it = live_.upper_bound(id);
  if (it == live_.begin()) return std::nullopt;
  --it;
  const std::uint64_t index = id - it->first;
  if (index > it->second.version->size()) return std::nullopt;
  return Located{it, static_cast<std::uint32_t>(index)};
}

std::optional<NodeId> NodeTable::FindInRoot(std::string_view name) const {
  if (current_ == 0) return std::nullopt;
  if (name == kDataLink) return current_;
  if (const auto it = data_dirs_.find(name); it != data_dirs_.end()) return it->second + 1;
  for (const auto& [id, link] : links_) {
    if (link.listed && link.name == name) return id;
  }
  return std::nullopt;
}

std::optional<NodeAttr> NodeTable::Lookup(NodeId parent, std::string_view name) {
  MutexLock lock(mutex_);
  std::optional<NodeId> id;
  if (parent == kRootNode) {
    id = FindInRoot(name);
  } else if (const auto located = Locate(parent); located && located->index > 0) {
    const auto& [base, live] = *located->live;
    const auto child = live.version->Child(located->index - 1, name);
    if (child) id = base + 1 + *child;
  }
  if (!id) return std::nullopt;
  if (const auto link = links_.find(*id); link != links_.end()) {
    ++link->second.lookups;
  } else if (const auto located = Locate(*id)) {
    ++live_[located->live->first].lookups;
  }
  return AttrLocked(*id);
}

void NodeTable::Forget(NodeId id, std::uint64_t count) {
  MutexLock lock(mutex_);
  if (const auto link = links_.find(id); link != links_.end()) {
    link->second.lookups -= std::min(link->second.lookups, count);
    if (link->second.lookups == 0 && !link->second.listed) links_.erase(link);
    return;
  }
  const auto located = Locate(id);
  if (!located) return;
  Live& live = live_[located->live->first];
  live.lookups -= std::min(live.lookups, count);
  DropIfUnused(located->live->first);
}

NodeAttr NodeTable::RootAttr() const {
  NodeAttr attr;
  attr.id = kRootNode;
  attr.mode = S_IFDIR | kRootMode | (ownership_.fs_group ? kGroupDirectoryBits : 0);
  attr.links = current_ == 0 ? 2 : 3;  // the data directory's ".."
  attr.uid = ownership_.uid;
  attr.gid = ownership_.fs_group.value_or(ownership_.gid);
  std::uint64_t names = 2;
  for (const auto& [id, link] : links_) names += link.listed ? 1 : 0;
  if (current_ != 0) names += 2;
  attr.size = names * kBytesPerName;
  attr.time = root_time_;
  return attr;
}

NodeAttr NodeTable::LinkAttr(NodeId id, std::size_t target_bytes, WallTime time) const {
  NodeAttr attr;
  attr.id = id;
  attr.mode = S_IFLNK | 0777;
  attr.uid = ownership_.uid;
  attr.gid = ownership_.fs_group.value_or(ownership_.gid);
  attr.size = target_bytes;
  attr.time = time;
  return attr;
}

NodeAttr NodeTable::EntryAttr(NodeId id, const VolumeVersion& version, std::uint32_t index) const {
  const TreeEntry& entry = version.entry(index);
  NodeAttr attr;
  attr.id = id;
  attr.uid = ownership_.uid;
  attr.gid = ownership_.fs_group.value_or(ownership_.gid);
  attr.time = version.created();
  if (entry.is_directory) {
    attr.mode = S_IFDIR | entry.mode | (ownership_.fs_group ? kGroupDirectoryBits : 0);
    attr.links = 2 + entry.subdirectories;
    attr.size = (2 + entry.children.size()) * kBytesPerName;
  } else {
    attr.mode = S_IFREG | entry.mode | (ownership_.fs_group ? kGroupFileBits : 0);
    attr.size = entry.content.size();
  }
  return attr;
}

std::optional<NodeAttr> NodeTable::AttrLocked(NodeId id) const {
  if (id == kRootNode) return RootAttr();
  if (const auto link = links_.find(id); link != links_.end()) {
    return LinkAttr(id, sizeof(kDataLink) + link->second.name.size(), link->second.created);
  }
  const auto located = Locate(id);
  if (!located) return std::nullopt;
  const VolumeVersion& version = *located->live->second.version;
  if (located->index == 0) return LinkAttr(id, version.data_dir().size(), version.created());
  return EntryAttr(id, version, located->index - 1);
}

std::optional<NodeAttr> NodeTable::Attr(NodeId id) const {
  MutexLock lock(mutex_);
  return AttrLocked(id);
}

std::optional<std::string> NodeTable::ReadLink(NodeId id) const {
  MutexLock lock(mutex_);
  if (const auto link = links_.find(id); link != links_.end()) {
    return std::string(kDataLink) + "/" + link->second.name;
  }
  const auto located = Locate(id);
  if (!located || located->index != 0) return std::nullopt;
  return located->live->second.version->data_dir();
}

std::optional<FileRef> NodeTable::File(NodeId id) const {
  MutexLock lock(mutex_);
  const auto located = Locate(id);
  if (!located || located->index == 0) return std::nullopt;
  const Live& live = located->live->second;
  const TreeEntry& entry = live.version->entry(located->index - 1);
  if (entry.is_directory) return std::nullopt;
  return FileRef{live.version, &entry, live.resource_version};
}

std::optional<std::vector<DirectoryEntry>> NodeTable::List(NodeId id) const {
  MutexLock lock(mutex_);
  std::vector<DirectoryEntry> out;
  if (id == kRootNode) {
    out.push_back({".", kRootNode, S_IFDIR, 1});
    out.push_back({"..", kRootNode, S_IFDIR, 2});
    if (current_ == 0) return out;
    out.push_back({kDataLink, current_, S_IFLNK, kDataLinkCookie});
    out.push_back({Current().version->data_dir(), current_ + 1, S_IFDIR, kDataDirCookie});
    for (const auto& [link_id, link] : links_) {
      if (link.listed) out.push_back({link.name, link_id, S_IFLNK, kFirstLinkCookie + link_id});
    }
    return out;
  }
  const auto located = Locate(id);
  if (!located || located->index == 0) return std::nullopt;
  const VolumeVersion& version = *located->live->second.version;
  const NodeId first = located->live->first + 1;
  const TreeEntry& directory = version.entry(located->index - 1);
  if (!directory.is_directory) return std::nullopt;
  out.push_back({".", id, S_IFDIR, 1});
  out.push_back({"..", located->index == 1 ? kRootNode : first + directory.parent, S_IFDIR, 2});
  for (const std::uint32_t child : directory.children) {
    const TreeEntry& entry = version.entry(child);
    const std::uint32_t type = entry.is_directory ? S_IFDIR : S_IFREG;
    out.push_back({entry.name, first + child, type, kFirstLinkCookie + child});
  }
  return out;
}

NodeTable::Stats NodeTable::GetStats() const {
  MutexLock lock(mutex_);
  Stats stats;
  stats.versions = live_.size();
  stats.flips = flips_;
  for (const auto& [base, live] : live_) stats.lookups += live.lookups;
  for (const auto& [id, link] : links_) stats.lookups += link.lookups;
  if (current_ == 0) return stats;
  const Live& current = Current();
  for (std::uint32_t i = 0; i < current.version->size(); ++i) {
    stats.files += current.version->entry(i).is_directory ? 0 : 1;
  }
  stats.content_bytes = current.version->content_bytes();
  stats.data_dir = current.version->data_dir();
  stats.resource_version = current.resource_version;
  return stats;
}

}  // namespace downwardfs
