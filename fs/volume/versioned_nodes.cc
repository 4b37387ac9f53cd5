// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/versioned_nodes.h"

#include <algorithm>
#include <utility>

#include "fs/volume/inode_attr.h"

namespace downwardfs {
namespace {

// Cookies in the root: ".", "..", `..data`, the data directory, then the links by their node ids.
constexpr std::uint64_t kDataLinkCookie = 3;
constexpr std::uint64_t kDataDirCookie = 4;
constexpr std::uint64_t kFirstLinkCookie = 16;

using ChangeKind = TreeChange::Kind;

}  // namespace

VersionedNodes::VersionedNodes(Ownership ownership, WallTime created)
    : ownership_(ownership), root_time_(created) {}

const VersionedNodes::Live& VersionedNodes::Current() const {
  return live_.at(current_);
}

std::vector<NodeId> VersionedNodes::SetOwnership(const Ownership& ownership) {
  MutexLock lock(mutex_);
  ownership_ = ownership;
  std::vector<NodeId> known = {kRootNode};
  for (const auto& [id, link] : links_) {
    if (link.lookups > 0) known.push_back(id);
  }
  for (const auto& [base, live] : live_) {
    for (std::size_t i = 0; i < live.known.size(); ++i) {
      if (live.known[i] > 0) known.push_back(base + i);
    }
  }
  return known;
}

void VersionedNodes::SetResourceVersion(std::string resource_version) {
  MutexLock lock(mutex_);
  if (current_ == 0) return;
  const Saving saving(*this);
  live_[current_].resource_version = std::move(resource_version);
  SaveState(current_);
}

void VersionedNodes::Arm(TreeChange change) {
  {
    MutexLock lock(mutex_);
    const Saving saving(*this);
    record_.SaveArmed(change);
  }
  VolumeNodes::Arm(std::move(change));
}

VolumeVersionPtr VersionedNodes::CurrentVersion() const {
  MutexLock lock(mutex_);
  return current_ == 0 ? nullptr : Current().version;
}

std::optional<VersionedNodes::Located> VersionedNodes::Locate(NodeId id) const {
  auto it = live_.upper_bound(id);
  if (it == live_.begin()) return std::nullopt;
  --it;
  const std::uint64_t block = 1 + std::uint64_t{it->second.version->size()};
  const std::uint64_t at = id - it->first;
  if (at >= 2 * block) return std::nullopt;
  return Located{it, static_cast<std::uint32_t>(at % block), at >= block};
}

std::optional<NodeId> VersionedNodes::FindInRoot(std::string_view name) const {
  // Whether the kernel knows the link or has dropped it meanwhile.
  if (name == kNewDataLink && staged_ != 0 && staged_link_) return staged_;
  if (current_ == 0) return std::nullopt;
  if (name == kDataLink) return current_;
  if (const auto it = data_dirs_.find(name); it != data_dirs_.end()) {
    const Live& live = live_.at(it->second);
    return it->second + 1 + (live.by_alias ? 1 + live.version->size() : 0);
  }
  return FindLink(name);
}

std::optional<NodeId> VersionedNodes::FindLink(std::string_view name) const {
  for (const auto& [id, link] : links_) {
    if (link.listed && link.name == name) return id;
  }
  return std::nullopt;
}

std::optional<NodeId> VersionedNodes::FindInDirectory(const Located& directory,
                                                      std::string_view name) const {
  if (directory.is_link()) return std::nullopt;
  const auto& [base, live] = *directory.live;
  const auto child = live.version->Child(directory.entry(), name);
  if (!child) return std::nullopt;
  const bool alias = directory.alias || (!live.unlinked.empty() && live.unlinked[*child]);
  return base + 1 + *child + (alias ? 1 + live.version->size() : 0);
}

void VersionedNodes::CountLookup(NodeId id) {
  if (const auto link = links_.find(id); link != links_.end()) {
    ++link->second.lookups;
    SaveLink(id);
  } else if (const auto located = Locate(id)) {
    Live& live = live_[located->live->first];
    ++live.lookups;
    if (!located->alias) ++live.known[located->index];
    SaveState(located->live->first);
  }
  record_.SaveDone(id);
}

std::optional<NodeAttr> VersionedNodes::Lookup(NodeId parent, std::string_view name) {
  MutexLock lock(mutex_);
  std::optional<NodeId> id;
  if (parent == kRootNode) {
    id = FindInRoot(name);
  } else if (const auto located = Locate(parent)) {
    id = FindInDirectory(*located, name);
  }
  if (!id) return std::nullopt;
  const Saving saving(*this);
  CountLookup(*id);
  return AttrLocked(*id);
}

void VersionedNodes::Forget(NodeId id, std::uint64_t count) {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  ForgetLocked(id, count);
  record_.SaveDone(0);
}

void VersionedNodes::ForgetAll(const std::vector<Forgotten>& nodes) {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  for (const Forgotten& node : nodes) ForgetLocked(node.id, node.count);
  record_.SaveDone(0);
}

void VersionedNodes::ForgetLocked(NodeId id, std::uint64_t count) {
  if (const auto link = links_.find(id); link != links_.end()) {
    link->second.lookups -= std::min(link->second.lookups, count);
    SaveLink(id);
    DropLinkIfUnused(id);
    return;
  }
  const auto located = Locate(id);
  if (!located) return;
  Live& live = live_[located->live->first];
  live.lookups -= std::min(live.lookups, count);
  if (!located->alias) {
    std::uint32_t& known = live.known[located->index];
    known -= static_cast<std::uint32_t>(std::min<std::uint64_t>(known, count));
  }
  SaveState(located->live->first);
  DropIfUnused(located->live->first);
}

std::optional<NodeAttr> VersionedNodes::Apply(const TreeChange& change) {
  if (!IsArmed(change)) return std::nullopt;
  MutexLock lock(mutex_);
  const Saving saving(*this);
  if (change.kind == ChangeKind::kSetAttributes) return AttrLocked(change.node);
  std::optional<NodeId> id;
  if (change.node == kRootNode) {
    id = ApplyInRoot(change);
  } else if (const auto located = Locate(change.node);
             located && !located->is_link() && change.kind == ChangeKind::kUnlink) {
    Live& live = live_[located->live->first];
    const auto child = live.version->Child(located->entry(), change.name);
    if (!child) return std::nullopt;
    live.unlinked.resize(live.version->size());
    live.unlinked[*child] = true;
    SaveState(located->live->first);
    id = located->live->first + 1 + *child;
  }
  if (!id) return std::nullopt;
  return AttrLocked(*id);
}

std::optional<NodeId> VersionedNodes::ApplyInRoot(const TreeChange& change) {
  switch (change.kind) {
    case ChangeKind::kMakeDirectory:
      if (staged_ == 0 || live_.at(staged_).version->data_dir() != change.name) break;
      live_.at(staged_).named = true;
      data_dirs_[change.name] = staged_;
      SaveState(staged_);
      CountLookup(staged_ + 1);
      return staged_ + 1;
    case ChangeKind::kMakeLink:
      if (change.name == kNewDataLink) {
        if (staged_ == 0) break;
        staged_link_ = true;
        SaveMeta();
        CountLookup(staged_);
        return staged_;
      }
      AddLink(change.name);
      if (const auto id = FindInRoot(change.name)) {
        CountLookup(*id);
        return id;
      }
      break;
    case ChangeKind::kRename:
      if (staged_ != 0) MakeCurrent(staged_);
      return current_;
    case ChangeKind::kUnlink:
      if (change.name != kNewDataLink) RemoveLink(change.name);
      root_time_ += std::chrono::nanoseconds(1);
      SaveMeta();
      return kRootNode;
    case ChangeKind::kRemoveDirectory:
      if (const auto it = data_dirs_.find(change.name); it != data_dirs_.end()) {
        const NodeId version = it->second;
        if (version == current_) break;
        live_.at(version).named = false;
        data_dirs_.erase(it);
        SaveState(version);
        DropIfUnused(version);
        return kRootNode;
      }
      break;
    default:
      break;
  }
  return std::nullopt;
}

NodeAttr VersionedNodes::RootAttr() const {
  std::uint64_t names = current_ == 0 ? 0 : 2;
  for (const auto& [id, link] : links_) names += link.listed ? 1 : 0;
  const std::uint32_t subdirectories = current_ == 0 ? 0 : 1;
  return DirectoryAttr(kRootNode, kRootMode, subdirectories, names, ownership_, root_time_);
}

std::optional<NodeAttr> VersionedNodes::AttrLocked(NodeId id) const {
  if (id == kRootNode) return RootAttr();
  if (const auto link = links_.find(id); link != links_.end()) {
    NodeAttr attr = LinkAttr(id, sizeof(kDataLink) + link->second.name.size(), ownership_,
                             link->second.created);
    attr.links = link->second.listed ? 1 : 0;
    return attr;
  }
  const auto located = Locate(id);
  if (!located) return std::nullopt;
  const auto& [base, live] = *located->live;
  const WallTime time = live.version->created();
  if (located->is_link()) {
    NodeAttr attr = LinkAttr(id, live.version->data_dir().size(), ownership_, time);
    attr.links = base == current_ || base == staged_ ? 1 : 0;
    return attr;
  }
  NodeAttr attr = EntryAttr(id, *live.version, located->entry(), ownership_, time);
  const bool unlinked = !live.unlinked.empty() && live.unlinked[located->entry()];
  // What the kernel has unlinked must not come back to life with the next GETATTR.
  if (!located->alias && (live.orphaned || unlinked)) attr.links = 0;
  return attr;
}

std::optional<NodeAttr> VersionedNodes::Attr(NodeId id) const {
  MutexLock lock(mutex_);
  return AttrLocked(id);
}

std::optional<std::string> VersionedNodes::ReadLink(NodeId id) const {
  MutexLock lock(mutex_);
  if (const auto link = links_.find(id); link != links_.end()) {
    return std::string(kDataLink) + "/" + link->second.name;
  }
  const auto located = Locate(id);
  if (!located || !located->is_link()) return std::nullopt;
  return located->live->second.version->data_dir();
}

std::optional<FileRef> VersionedNodes::File(NodeId id) const {
  MutexLock lock(mutex_);
  const auto located = Locate(id);
  if (!located || located->is_link()) return std::nullopt;
  const Live& live = located->live->second;
  const TreeEntry& entry = live.version->entry(located->entry());
  if (entry.is_directory) return std::nullopt;
  return FileRef{live.version, &entry, live.version->Contents(), live.resource_version};
}

std::optional<std::vector<DirectoryEntry>> VersionedNodes::List(NodeId id) const {
  MutexLock lock(mutex_);
  std::vector<DirectoryEntry> out = {{".", id, kDirectoryType, 1}};
  if (id == kRootNode) {
    out.push_back({"..", kRootNode, kDirectoryType, 2});
    if (current_ == 0) return out;
    out.push_back({kDataLink, current_, kLinkType, kDataLinkCookie});
    out.push_back({Current().version->data_dir(), current_ + 1, kDirectoryType, kDataDirCookie});
    for (const auto& [link_id, link] : links_) {
      if (link.listed) out.push_back({link.name, link_id, kLinkType, kFirstLinkCookie + link_id});
    }
    return out;
  }
  const auto located = Locate(id);
  if (!located || located->is_link()) return std::nullopt;
  const VolumeVersion& version = *located->live->second.version;
  const TreeEntry& directory = version.entry(located->entry());
  if (!directory.is_directory) return std::nullopt;
  const NodeId first = id - located->entry();  // of the same block
  const NodeId parent = located->entry() == 0 ? kRootNode : first + directory.parent;
  out.push_back({"..", parent, kDirectoryType, 2});
  for (const std::uint32_t child : directory.children) {
    const TreeEntry& entry = version.entry(child);
    out.push_back({entry.name, FindInDirectory(*located, entry.name).value_or(first + child),
                   entry.is_directory ? kDirectoryType : kFileType, kFirstLinkCookie + child});
  }
  return out;
}

VolumeStats VersionedNodes::GetStats() const {
  MutexLock lock(mutex_);
  VolumeStats stats;
  stats.versions = live_.size() - (staged_ != 0 ? 1 : 0);
  stats.flips = flips_;
  for (const auto& [base, live] : live_) stats.lookups += live.lookups;
  for (const auto& [id, link] : links_) stats.lookups += link.lookups;
  if (current_ == 0) return stats;
  const Live& current = Current();
  stats.files = current.version->file_count();
  stats.content_bytes = current.version->kept_bytes();
  stats.data_dir = current.version->data_dir();
  stats.resource_version = current.resource_version;
  return stats;
}

}  // namespace downwardfs
