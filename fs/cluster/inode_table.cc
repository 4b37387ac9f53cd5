// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/inode_table.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "fs/cluster/cluster_layout.h"

namespace downwardfs {

const KnownInode* InodeTable::Find(InodeId id) const {
  const auto at = inodes_.find(id);
  return at == inodes_.end() ? nullptr : &at->second.inode;
}

InodeId InodeTable::IdOf(std::string_view path, std::uint64_t identity) const {
  const InodeId first = InodeIdOf(path, identity);
  for (int i = 0; i < kTries; ++i) {
    const auto at = inodes_.find(first + i);
    if (at != inodes_.end() && at->second.inode.identity == identity &&
        at->second.inode.path == path) {
      return first + i;
    }
  }
  return 0;
}

InodeId InodeTable::Add(KnownInode inode) {
  InodeId id = IdOf(inode.path, inode.identity);
  if (id == 0) {
    const InodeId first = InodeIdOf(inode.path, inode.identity);
    for (int i = 0; i < kTries && id == 0; ++i) {
      if (inodes_.count(first + i) == 0) id = first + i;
    }
    if (id == 0) return 0;
  }
  Counted& counted = inodes_[id];
  const std::uint64_t owner = inode.owner;
  if (counted.lookups++ == 0) {
    counted.inode = std::move(inode);
    counted.inode.owner = 0;
  }
  // One that is known already may have been disowned: its name had been taken back, and the content
  // is the same again.
  Own(owner, id, counted);
  return id;
}

void InodeTable::Forget(InodeId id, std::uint64_t count) {
  const auto at = inodes_.find(id);
  if (at == inodes_.end()) return;
  at->second.lookups -= std::min(count, at->second.lookups);
  if (at->second.lookups != 0) return;
  Disown(id, at->second);
  inodes_.erase(at);
}

void InodeTable::Own(std::uint64_t owner, InodeId id, Counted& counted) {
  if (owner != 0 && counted.inode.owner == 0) {
    counted.inode.owner = owner;
    files_[owner].push_back(id);
  }
  const bool leaf = owner != 0 || counted.inode.type == S_IFLNK;
  if (leaf && !std::exchange(counted.aged, true)) counted.age = by_age_.insert(by_age_.end(), id);
}

void InodeTable::Disown(InodeId id, Counted& counted) {
  if (std::exchange(counted.aged, false)) by_age_.erase(counted.age);
  const std::uint64_t owner = std::exchange(counted.inode.owner, 0);
  if (owner == 0) return;
  const auto at = files_.find(owner);
  auto& ids = at->second;
  ids.erase(std::find(ids.begin(), ids.end(), id));
  if (ids.empty()) files_.erase(at);
}

std::vector<InodeId> InodeTable::FilesOf(std::uint64_t owner) const {
  const auto at = files_.find(owner);
  return at == files_.end() ? std::vector<InodeId>() : at->second;
}

std::vector<InodeId> InodeTable::Oldest(std::size_t limit) const {
  const std::size_t batch = limit / 64 + 1;
  if (by_age_.size() <= limit + batch) return {};
  return {by_age_.begin(), std::next(by_age_.begin(), static_cast<std::ptrdiff_t>(batch))};
}

void InodeTable::Disown(InodeId id) {
  const auto at = inodes_.find(id);
  if (at != inodes_.end()) Disown(id, at->second);
}

}  // namespace downwardfs
