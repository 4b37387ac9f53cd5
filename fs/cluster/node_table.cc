// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/node_table.h"

#include <algorithm>
#include <utility>

#include "fs/cluster/cluster_layout.h"

namespace downwardfs {

const KnownNode* NodeTable::Find(NodeId id) const {
  const auto at = nodes_.find(id);
  return at == nodes_.end() ? nullptr : &at->second.node;
}

NodeId NodeTable::IdOf(std::string_view path, std::uint64_t identity) const {
  const NodeId first = NodeIdOf(path, identity);
  for (int i = 0; i < kTries; ++i) {
    const auto at = nodes_.find(first + i);
    if (at != nodes_.end() && at->second.node.identity == identity &&
        at->second.node.path == path) {
      return first + i;
    }
  }
  return 0;
}

NodeId NodeTable::Add(KnownNode node) {
  NodeId id = IdOf(node.path, node.identity);
  if (id == 0) {
    const NodeId first = NodeIdOf(node.path, node.identity);
    for (int i = 0; i < kTries && id == 0; ++i) {
      if (nodes_.count(first + i) == 0) id = first + i;
    }
    if (id == 0) return 0;
  }
  Counted& counted = nodes_[id];
  const std::uint64_t owner = node.owner;
  if (counted.lookups++ == 0) {
    counted.node = std::move(node);
    AddTo(owner, id);
  } else if (owner != 0 && counted.node.owner == 0) {
    // Its name had been taken back, and the content is the same again.
    counted.node.owner = owner;
    AddTo(owner, id);
  }
  return id;
}

void NodeTable::Forget(NodeId id, std::uint64_t count) {
  const auto at = nodes_.find(id);
  if (at == nodes_.end()) return;
  at->second.lookups -= std::min(count, at->second.lookups);
  if (at->second.lookups != 0) return;
  RemoveFrom(at->second.node.owner, id);
  nodes_.erase(at);
}

void NodeTable::AddTo(std::uint64_t owner, NodeId id) {
  if (owner == 0) return;
  files_[owner].push_back(id);
  ++file_count_;
  by_age_.push_back(id);
}

void NodeTable::RemoveFrom(std::uint64_t owner, NodeId id) {
  const auto at = files_.find(owner);
  if (at == files_.end()) return;
  auto& ids = at->second;
  const auto gone = std::remove(ids.begin(), ids.end(), id);
  file_count_ -= static_cast<std::size_t>(ids.end() - gone);
  ids.erase(gone, ids.end());
  if (ids.empty()) files_.erase(at);
}

std::vector<NodeId> NodeTable::FilesOf(std::uint64_t owner) const {
  const auto at = files_.find(owner);
  return at == files_.end() ? std::vector<NodeId>() : at->second;
}

bool NodeTable::IsFileOfObject(NodeId id) const {
  const KnownNode* const node = Find(id);
  return node != nullptr && node->owner != 0;
}

std::vector<NodeId> NodeTable::OldestFiles(std::size_t limit) {
  const std::size_t batch = limit / 64 + 1;
  // What the kernel has forgotten by itself is still in the queue: not for ever.
  if (by_age_.size() > 2 * (limit + batch)) {
    std::erase_if(by_age_, [&](NodeId id) { return !IsFileOfObject(id); });
  }
  std::vector<NodeId> oldest;
  if (file_count_ <= limit + batch) return oldest;
  while (oldest.size() < batch && !by_age_.empty()) {
    const NodeId id = by_age_.front();
    by_age_.pop_front();
    // One that was forgotten and found again is in the queue twice; its first place is gone now.
    if (IsFileOfObject(id)) oldest.push_back(id);
  }
  std::sort(oldest.begin(), oldest.end());
  oldest.erase(std::unique(oldest.begin(), oldest.end()), oldest.end());
  return oldest;
}

void NodeTable::Disown(NodeId id) {
  const auto at = nodes_.find(id);
  if (at == nodes_.end()) return;
  RemoveFrom(std::exchange(at->second.node.owner, 0), id);
}

}  // namespace downwardfs
