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
    if (owner != 0) files_[owner].push_back(id);
  } else if (owner != 0 && counted.node.owner == 0) {
    // Its name had been taken back, and the content is the same again.
    counted.node.owner = owner;
    files_[owner].push_back(id);
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

void NodeTable::RemoveFrom(std::uint64_t owner, NodeId id) {
  const auto at = files_.find(owner);
  if (at == files_.end()) return;
  auto& ids = at->second;
  ids.erase(std::remove(ids.begin(), ids.end(), id), ids.end());
  if (ids.empty()) files_.erase(at);
}

std::vector<NodeId> NodeTable::FilesOf(std::uint64_t owner) const {
  const auto at = files_.find(owner);
  return at == files_.end() ? std::vector<NodeId>() : at->second;
}

void NodeTable::Disown(NodeId id) {
  const auto at = nodes_.find(id);
  if (at == nodes_.end()) return;
  RemoveFrom(std::exchange(at->second.node.owner, 0), id);
}

}  // namespace downwardfs
