// SPDX-License-Identifier: Apache-2.0
// What changes in the live layout when another version is shown (live_nodes.h).
#include <algorithm>
#include <utility>

#include "fs/volume/live_nodes.h"

namespace downwardfs {
namespace {

using ChangeKind = TreeChange::Kind;

std::string Below(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "/" + name;
}

}  // namespace

LiveNodes::Difference LiveNodes::Stage(VolumeVersionPtr version, std::string resource_version) {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  DropPending();
  Comparison comparison;
  comparison.new_bytes = version->PeekContents();
  if (current_) {
    ++flips_;
    comparison.old_bytes = current_->PeekContents();
  }
  comparison.before = std::exchange(current_, std::move(version));
  resource_version_ = std::move(resource_version);
  versions_[++current_id_] = current_;
  SaveVersion(current_id_);
  Compare(kRootNode, 0, "", comparison);
  DropUnusedVersions();
  SaveMeta();
  return std::move(comparison.difference);
}

// What an attempt has left undone is found again by the comparison that follows.
void LiveNodes::DropPending() {
  for (const auto& [name, id] : std::exchange(pending_, {})) {
    nodes_.erase(id);
    SaveDropped(id);
  }
}

LiveNodes::Difference LiveNodes::Unfinished() {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  DropPending();
  Comparison comparison;
  comparison.before = current_;
  comparison.old_bytes = comparison.new_bytes = current_->PeekContents();
  Compare(kRootNode, 0, "", comparison);
  Difference difference = std::move(comparison.difference);
  difference.changed.clear();
  for (const auto& [id, node] : nodes_) {
    if (node.named && node.lookups > 0 && !node.Entry().is_directory) {
      difference.changed.push_back({id, {}, PathOf(id)});
    }
  }
  return difference;
}

std::string LiveNodes::PathOf(NodeId id) const {
  std::string path;
  for (NodeId at = id; at != kRootNode; at = nodes_.at(at).parent) {
    const std::string& name = nodes_.at(at).Entry().name;
    if (!path.empty()) path.insert(0, 1, '/');
    path.insert(0, name);
  }
  return path;
}

bool LiveNodes::SameFile(const Node& node, std::uint32_t entry,
                         const Comparison& comparison) const {
  const TreeEntry& before = node.Entry();
  const TreeEntry& now = current_->entry(entry);
  const FileContents::BytesPtr old_bytes =
      node.version == comparison.before ? comparison.old_bytes : node.version->PeekContents();
  return before.mode == now.mode && (*old_bytes)[before.file] == (*comparison.new_bytes)[now.file];
}

void LiveNodes::Compare(NodeId directory, std::uint32_t entry, const std::string& path,
                        Comparison& comparison) {
  Difference& difference = comparison.difference;
  Node& node = nodes_.at(directory);
  std::vector<std::uint32_t> added = current_->entry(entry).children;
  for (const auto& [name, id] : node.children) {
    Node& child = nodes_.at(id);
    const auto found = current_->Child(entry, name);
    if (!found || current_->entry(*found).is_directory != child.Entry().is_directory) {
      RemoveBelow(id, Below(path, name), difference);
      continue;
    }
    added.erase(std::find(added.begin(), added.end(), *found));
    if (child.Entry().is_directory) {
      Compare(id, *found, Below(path, name), comparison);
      continue;
    }
    if (!SameFile(child, *found, comparison)) {
      difference.changed.push_back({id, {}, Below(path, name)});
      child.time = std::max(current_->created(), child.time + std::chrono::nanoseconds(1));
    }
    child.version = current_;
    child.version_id = current_id_;
    child.entry = *found;
    SaveNode(id);
  }
  if (!added.empty() || !difference.gone.empty()) {
    // A directory's time must grow with its names, or the kernel would keep its cached listing.
    node.time = std::max(current_->created(), node.time + std::chrono::nanoseconds(1));
  }
  node.version = current_;
  node.version_id = current_id_;
  node.entry = entry;
  SaveNode(directory);
  for (const std::uint32_t child : added) {
    AddBelow(directory, child, Below(path, current_->entry(child).name), difference);
  }
}

NodeId LiveNodes::AddNode(NodeId parent, std::uint32_t entry) {
  const NodeId id = next_id_++;
  Node& node = nodes_[id];
  node.version = current_;
  node.version_id = current_id_;
  node.entry = entry;
  node.parent = parent;
  node.time = current_->created();
  pending_[{parent, node.Entry().name}] = id;
  SaveNode(id);
  return id;
}

void LiveNodes::AddBelow(NodeId directory, std::uint32_t entry, const std::string& path,
                         Difference& difference) {
  const TreeEntry& added = current_->entry(entry);
  const NodeId id = AddNode(directory, entry);
  const ChangeKind kind = added.is_directory ? ChangeKind::kMakeDirectory : ChangeKind::kMakeFile;
  difference.added.push_back({id, {kind, directory, added.name, ""}, path});
  for (const std::uint32_t child : added.children) {
    AddBelow(id, child, Below(path, current_->entry(child).name), difference);
  }
}

void LiveNodes::RemoveBelow(NodeId id, const std::string& path, Difference& difference) {
  const Node& node = nodes_.at(id);
  for (const auto& [name, child] : node.children) {
    RemoveBelow(child, Below(path, name), difference);
  }
  const bool directory = node.Entry().is_directory;
  const ChangeKind kind = directory ? ChangeKind::kRemoveDirectory : ChangeKind::kUnlink;
  difference.gone.push_back({id, {kind, node.parent, node.Entry().name, ""}, path});
}

}  // namespace downwardfs
