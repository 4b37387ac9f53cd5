// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/node_table.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
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
    counted.node.owner = 0;
  }
  // One that is known already may have been disowned: its name had been taken back, and the content
  // is the same again.
  Own(owner, id, counted);
  return id;
}

void NodeTable::Forget(NodeId id, std::uint64_t count) {
  const auto at = nodes_.find(id);
  if (at == nodes_.end()) return;
  at->second.lookups -= std::min(count, at->second.lookups);
  if (at->second.lookups != 0) return;
  Disown(id, at->second);
  nodes_.erase(at);
}

void NodeTable::Own(std::uint64_t owner, NodeId id, Counted& counted) {
  if (owner != 0 && counted.node.owner == 0) {
    counted.node.owner = owner;
    files_[owner].push_back(id);
  }
  const bool leaf = owner != 0 || counted.node.type == S_IFLNK;
  if (leaf && !std::exchange(counted.aged, true)) counted.age = by_age_.insert(by_age_.end(), id);
}

void NodeTable::Disown(NodeId id, Counted& counted) {
  if (std::exchange(counted.aged, false)) by_age_.erase(counted.age);
  const std::uint64_t owner = std::exchange(counted.node.owner, 0);
  if (owner == 0) return;
  const auto at = files_.find(owner);
  auto& ids = at->second;
  ids.erase(std::find(ids.begin(), ids.end(), id));
  if (ids.empty()) files_.erase(at);
}

std::vector<NodeId> NodeTable::FilesOf(std::uint64_t owner) const {
  const auto at = files_.find(owner);
  return at == files_.end() ? std::vector<NodeId>() : at->second;
}

std::vector<NodeId> NodeTable::Oldest(std::size_t limit) const {
  const std::size_t batch = limit / 64 + 1;
  if (by_age_.size() <= limit + batch) return {};
  return {by_age_.begin(), std::next(by_age_.begin(), static_cast<std::ptrdiff_t>(batch))};
}

void NodeTable::Disown(NodeId id) {
  const auto at = nodes_.find(id);
  if (at != nodes_.end()) Disown(id, at->second);
}

}  // namespace downwardfs
