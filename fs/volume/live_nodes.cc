// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/live_nodes.h"

#include <algorithm>
#include <utility>

#include "fs/fuse/request_in_work.h"
#include "fs/volume/inode_attr.h"

namespace downwardfs {
namespace {

using ChangeKind = TreeChange::Kind;

// Cookies: ".", "..", then the entries by their node ids.
constexpr std::uint64_t kFirstCookie = 16;

}  // namespace

LiveNodes::LiveNodes(Ownership ownership, WallTime created) : ownership_(ownership) {
  Node& root = nodes_[kRootNode];
  root.version = VolumeVersion::Make({}, "", created);
  root.time = created;
  root.named = true;
}

void LiveNodes::Name(const TreeChange& change, NodeId id) {
  pending_.erase({change.node, change.name});
  const auto node = nodes_.find(id);
  const auto directory = nodes_.find(change.node);
  if (node == nodes_.end() || directory == nodes_.end()) return;
  node->second.named = true;
  SaveNode(id);
  directory->second.children[change.name] = id;
}

void LiveNodes::Unname(const TreeChange& change) {
  const auto directory = nodes_.find(change.node);
  if (directory == nodes_.end()) return;
  auto& children = directory->second.children;
  const auto child = children.find(change.name);
  if (child == children.end()) return;
  const NodeId id = child->second;
  children.erase(child);
  nodes_.at(id).named = false;
  SaveNode(id);
  DropIfUnused(id);
}

void LiveNodes::ShowNames(const Difference& difference) {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  for (const Step& step : difference.gone) Unname(step.change);
  for (const Step& step : difference.added) Name(step.change, step.id);
}

void LiveNodes::DropIfUnused(NodeId id) {
  const auto node = nodes_.find(id);
  if (node == nodes_.end() || id == kRootNode) return;
  if (node->second.named || node->second.lookups > 0) return;
  nodes_.erase(node);
  SaveDropped(id);
}

std::optional<NodeAttr> LiveNodes::Lookup(NodeId parent, std::string_view name) {
  MutexLock lock(mutex_);
  const auto directory = nodes_.find(parent);
  if (directory == nodes_.end()) return std::nullopt;
  const auto child = directory->second.children.find(name);
  if (child == directory->second.children.end()) return std::nullopt;
  const Saving saving(*this);
  ++nodes_.at(child->second).lookups;
  SaveNode(child->second);
  record_.SaveDone(child->second);
  return AttrLocked(child->second);
}

void LiveNodes::Forget(NodeId id, std::uint64_t count) {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  ForgetLocked(id, count);
  record_.SaveDone(0);
}

void LiveNodes::ForgetAll(const std::vector<Forgotten>& nodes) {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  for (const Forgotten& node : nodes) ForgetLocked(node.id, node.count);
  record_.SaveDone(0);
}

void LiveNodes::ForgetLocked(NodeId id, std::uint64_t count) {
  const auto node = nodes_.find(id);
  if (node == nodes_.end()) return;
  node->second.lookups -= std::min(node->second.lookups, count);
  SaveNode(id);
  DropIfUnused(id);
}

void LiveNodes::Arm(TreeChange change) {
  {
    MutexLock lock(mutex_);
    const Saving saving(*this);
    record_.SaveArmed(change);
  }
  VolumeNodes::Arm(std::move(change));
}

// The new node of that name; where the change arrives twice, the one that it has made.
std::optional<NodeId> LiveNodes::NodeToMake(const TreeChange& change) const {
  const auto pending = pending_.find({change.node, change.name});
  if (pending != pending_.end()) return pending->second;
  const auto directory = nodes_.find(change.node);
  if (directory == nodes_.end() || !record_.on()) return std::nullopt;
  const auto made = directory->second.children.find(change.name);
  if (made == directory->second.children.end()) return std::nullopt;
  return made->second;
}

std::optional<NodeAttr> LiveNodes::Apply(const TreeChange& change) {
  if (!IsArmed(change)) return std::nullopt;
  MutexLock lock(mutex_);
  const Saving saving(*this);
  switch (change.kind) {
    case ChangeKind::kSetAttributes:
      return AttrLocked(change.node);
    case ChangeKind::kMakeFile:
    case ChangeKind::kMakeDirectory: {
      const auto id = NodeToMake(change);
      if (!id) return std::nullopt;
      Name(change, *id);
      ++nodes_.at(*id).lookups;
      SaveNode(*id);
      record_.SaveDone(*id);
      return AttrLocked(*id);
    }
    case ChangeKind::kUnlink:
    case ChangeKind::kRemoveDirectory:
      Unname(change);
      return AttrLocked(kRootNode);
    default:
      return std::nullopt;
  }
}

std::optional<NodeAttr> LiveNodes::AttrLocked(NodeId id) const {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return std::nullopt;
  const Node& node = found->second;
  NodeAttr attr;
  if (node.Entry().is_directory) {
    std::uint32_t subdirectories = 0;
    for (const auto& [name, child] : node.children) {
      subdirectories += nodes_.at(child).Entry().is_directory ? 1 : 0;
    }
    attr = DirectoryAttr(id, id == kRootNode ? kRootMode : node.Entry().mode, subdirectories,
                         node.children.size(), ownership_, node.time);
  } else {
    attr = EntryAttr(id, *node.version, node.entry, ownership_, node.time);
  }
  if (!node.named && node.lookups > 0) attr.links = 0;
  return attr;
}

std::optional<NodeAttr> LiveNodes::Attr(NodeId id) const {
  MutexLock lock(mutex_);
  return AttrLocked(id);
}

std::optional<std::string> LiveNodes::ReadLink(NodeId) const {
  return std::nullopt;  // there are none
}

std::optional<FileRef> LiveNodes::FileLocked(NodeId id) const {
  const auto node = nodes_.find(id);
  if (node == nodes_.end() || node->second.Entry().is_directory) return std::nullopt;
  const VolumeVersionPtr& version = node->second.version;
  return FileRef{version, &node->second.Entry(), version->Contents(), resource_version_};
}

std::optional<FileRef> LiveNodes::File(NodeId id) const {
  MutexLock lock(mutex_);
  return FileLocked(id);
}

std::optional<std::uint64_t> LiveNodes::OpenFile(NodeId id) {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  // The kernel may have the answer to an open that comes again.
  const auto before = opened_before_.find(request_in_work.unique);
  if (before != opened_before_.end() && opened_.count(before->second) > 0) {
    record_.SaveDone(before->second | kOpenedBit);
    return before->second;
  }
  auto file = FileLocked(id);
  if (!file) return std::nullopt;
  const std::uint64_t handle = next_handle_++;
  opened_[handle] = {std::move(*file), nodes_.at(id).version_id};
  SaveOpened(handle);
  SaveMeta();
  record_.SaveDone(handle | kOpenedBit);
  return handle;
}

std::optional<FileRef> LiveNodes::Opened(std::uint64_t handle) const {
  MutexLock lock(mutex_);
  const auto file = opened_.find(handle);
  if (file == opened_.end()) return std::nullopt;
  return file->second.file;
}

void LiveNodes::CloseFile(std::uint64_t handle) {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  opened_.erase(handle);
  record_.Add(RecordWriter().Number(kClosedRecord).Number(handle));
}

std::optional<std::vector<DirectoryEntry>> LiveNodes::List(NodeId id) const {
  MutexLock lock(mutex_);
  const auto found = nodes_.find(id);
  if (found == nodes_.end() || !found->second.Entry().is_directory) return std::nullopt;
  const NodeId parent = id == kRootNode ? kRootNode : found->second.parent;
  std::vector<DirectoryEntry> out = {{".", id, kDirectoryType, 1},
                                     {"..", parent, kDirectoryType, 2}};
  for (const auto& [name, child] : found->second.children) {
    const bool directory = nodes_.at(child).Entry().is_directory;
    out.push_back({name, child, directory ? kDirectoryType : kFileType, kFirstCookie + child});
  }
  // A listing goes on after the cookie that it has reached, so they must grow.
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.cookie < b.cookie; });
  return out;
}

std::vector<NodeId> LiveNodes::SetOwnership(const Ownership& ownership) {
  MutexLock lock(mutex_);
  ownership_ = ownership;
  std::vector<NodeId> known = {kRootNode};
  for (const auto& [id, node] : nodes_) {
    if (node.lookups > 0 && id != kRootNode) known.push_back(id);
  }
  return known;
}

void LiveNodes::SetResourceVersion(std::string resource_version) {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  resource_version_ = std::move(resource_version);
  SaveMeta();
}

VolumeVersionPtr LiveNodes::CurrentVersion() const {
  MutexLock lock(mutex_);
  return current_;
}

VolumeStats LiveNodes::GetStats() const {
  MutexLock lock(mutex_);
  VolumeStats stats;
  stats.versions = current_ ? 1 : 0;
  stats.flips = flips_;
  for (const auto& [id, node] : nodes_) stats.lookups += node.lookups;
  stats.open_files = opened_.size();
  stats.resource_version = resource_version_;
  if (!current_) return stats;
  stats.files = current_->file_count();
  stats.content_bytes = current_->kept_bytes();
  return stats;
}

}  // namespace downwardfs
