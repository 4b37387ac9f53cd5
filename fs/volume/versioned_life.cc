// SPDX-License-Identifier: Apache-2.0
// A version's life in the kubelet's layout, from being staged to being forgotten
// (versioned_nodes.h).
#include <algorithm>
#include <utility>

#include "fs/volume/versioned_nodes.h"

namespace downwardfs {

VersionedNodes::Flip VersionedNodes::Stage(VolumeVersionPtr version, std::string resource_version) {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  if (staged_ != 0) {  // an attempt that was given up
    const NodeId given_up = std::exchange(staged_, 0);
    data_dirs_.erase(live_.at(given_up).version->data_dir());
    live_.at(given_up).named = false;
    SaveState(given_up);
    DropIfUnused(given_up);
  }
  Flip flip;
  flip.version = staged_ = next_id_;
  staged_link_ = false;
  flip.data_dir = version->data_dir();
  next_id_ += 2 * (1 + std::uint64_t{version->size()});
  flip.retires = current_;
  if (current_ != 0) flip.retired_dir = Current().version->data_dir();
  CompareLinks(*version, flip);
  Live& live = live_[staged_];
  live.known.resize(1 + version->size());
  live.version = std::move(version);
  live.resource_version = std::move(resource_version);
  SaveVersion(staged_);
  SaveState(staged_);
  SaveMeta();
  return flip;
}

void VersionedNodes::CompareLinks(const VolumeVersion& version, Flip& flip) const {
  for (const std::uint32_t child : version.entry(0).children) {
    const std::string& name = version.entry(child).name;
    if (!FindLink(name)) flip.new_links.push_back(name);
  }
  for (const auto& [id, link] : links_) {
    if (link.listed && !version.Child(0, link.name)) flip.gone_links.push_back(link.name);
  }
}

VersionedNodes::Flip VersionedNodes::Unfinished() const {
  MutexLock lock(mutex_);
  Flip flip;
  if (current_ == 0) return flip;
  flip.version = current_;
  flip.data_dir = Current().version->data_dir();
  CompareLinks(*Current().version, flip);
  return flip;
}

void VersionedNodes::MakeCurrent(NodeId base) {
  Live& live = live_.at(base);
  if (current_ != 0) ++flips_;
  current_ = base;
  staged_ = 0;
  live.named = true;
  data_dirs_[live.version->data_dir()] = base;
  // The root's time must grow with every flip, or the kernel would keep its cached listing.
  root_time_ = std::max(live.version->created(), root_time_ + std::chrono::nanoseconds(1));
  SaveState(base);
  SaveMeta();
}

std::vector<std::string> VersionedNodes::Show(const Flip& flip) {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  std::vector<std::string> stale;
  if (live_.count(flip.version) == 0) return stale;
  if (current_ != flip.version) {
    stale = {kDataLink, kNewDataLink};
    MakeCurrent(flip.version);
  }
  for (const std::string& name : flip.new_links) AddLink(name);
  for (const std::string& name : flip.gone_links) {
    RemoveLink(name);
    stale.push_back(name);
  }
  return stale;
}

void VersionedNodes::AddLink(const std::string& name) {
  if (FindLink(name)) return;
  // A link that was removed is another inode than the one that is made again.
  const NodeId id = next_id_++;
  links_[id] = Link{name, 0, true, Current().version->created()};
  SaveLink(id);
  SaveMeta();
}

void VersionedNodes::RemoveLink(const std::string& name) {
  for (auto it = links_.begin(); it != links_.end();) {
    const auto& [id, link] = *it;
    ++it;
    if (link.name != name || !link.listed) continue;
    links_.at(id).listed = false;
    SaveLink(id);
    DropLinkIfUnused(id);
  }
}

void VersionedNodes::DropLinkIfUnused(NodeId id) {
  const auto link = links_.find(id);
  if (link == links_.end() || link->second.listed || link->second.lookups > 0) return;
  links_.erase(link);
  SaveDropped(id);
}

std::optional<std::string> VersionedNodes::UnfinishedDirectory() const {
  MutexLock lock(mutex_);
  if (staged_ == 0) return std::nullopt;
  return live_.at(staged_).version->data_dir();
}

std::vector<std::string> VersionedNodes::MovedNames() const {
  MutexLock lock(mutex_);
  std::vector<std::string> names = {kDataLink, kNewDataLink};
  for (const auto& [id, link] : links_) {
    if (!link.listed) names.push_back(link.name);
  }
  return names;
}

std::vector<std::pair<NodeId, std::string>> VersionedNodes::RetiredVersions() const {
  MutexLock lock(mutex_);
  std::vector<std::pair<NodeId, std::string>> retired;
  for (const auto& [base, live] : live_) {
    if (live.named && base != current_ && base != staged_) {
      retired.emplace_back(base, live.version->data_dir());
    }
  }
  return retired;
}

std::vector<VersionedNodes::Known> VersionedNodes::KnownOf(NodeId base, bool directories) const {
  std::vector<Known> out;
  const auto it = live_.find(base);
  if (it == live_.end()) return out;
  const Live& live = it->second;
  std::vector<std::string> paths(live.version->size());
  paths[0] = live.version->data_dir();
  for (std::uint32_t i = 0; i < live.version->size(); ++i) {
    const TreeEntry& entry = live.version->entry(i);  // parents come before their children
    if (i != 0) paths[i] = paths[entry.parent] + "/" + entry.name;
    if (live.known[1 + i] == 0 || entry.is_directory != directories) continue;
    if (!live.unlinked.empty() && live.unlinked[i]) continue;
    out.push_back({{TreeChange::Kind::kUnlink, base + 1 + entry.parent, entry.name, ""},
                   base + 1 + i,
                   paths[i]});
  }
  return out;
}

std::vector<VersionedNodes::Known> VersionedNodes::KnownFiles(NodeId version) const {
  MutexLock lock(mutex_);
  return KnownOf(version, false);
}

std::vector<VersionedNodes::Known> VersionedNodes::KnownDirectories(NodeId version) const {
  MutexLock lock(mutex_);
  auto known = KnownOf(version, true);
  std::reverse(known.begin(), known.end());
  return known;
}

void VersionedNodes::Orphan(NodeId version) {
  MutexLock lock(mutex_);
  const auto it = live_.find(version);
  if (it == live_.end()) return;
  const Saving saving(*this);
  it->second.orphaned = true;
  SaveState(version);
}

void VersionedNodes::ShowAlias(NodeId version) {
  MutexLock lock(mutex_);
  const auto it = live_.find(version);
  if (it == live_.end()) return;
  const Saving saving(*this);
  it->second.by_alias = true;
  SaveState(version);
}

void VersionedNodes::Expire(NodeId version) {
  MutexLock lock(mutex_);
  const auto it = live_.find(version);
  if (it == live_.end() || version == current_) return;
  const Saving saving(*this);
  it->second.named = false;
  data_dirs_.erase(it->second.version->data_dir());
  SaveState(version);
  DropIfUnused(version);
}

void VersionedNodes::DropIfUnused(NodeId base) {
  const auto it = live_.find(base);
  if (it == live_.end() || base == current_ || base == staged_) return;
  if (it->second.named || it->second.lookups > 0) return;
  live_.erase(it);
  SaveDropped(base);
}

}  // namespace downwardfs
