// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/directory_handles.h"

#include <iterator>
#include <utility>
#include <vector>

#include "fs/cluster/cluster_tree.h"

namespace downwardfs {

std::optional<std::uint64_t> DirectoryHandles::Open(InodeId directory) {
  const auto found = tree_.Attr(directory);
  if (!found || found->links == 0) return std::nullopt;
  const MutexLock lock(mutex_);
  const std::uint64_t handle = next_++;
  handles_[handle].directory = directory;
  return handle;
}

Listing DirectoryHandles::Read(std::uint64_t handle, bool from_start) {
  InodeId directory = 0;
  {
    const MutexLock lock(mutex_);
    const auto at = handles_.find(handle);
    if (at == handles_.end()) return nullptr;
    if (!from_start && at->second.listing) return at->second.listing;
    directory = at->second.directory;
  }
  std::vector<DirectoryEntry> names = {{".", directory, kDirectoryType}, {"..", 0, kDirectoryType}};
  // One that has gone since it was opened is empty.
  if (auto now = tree_.Names(directory)) {
    names.insert(names.end(), std::make_move_iterator(now->begin()),
                 std::make_move_iterator(now->end()));
  }
  for (std::size_t i = 0; i < names.size(); ++i) names[i].cookie = i + 1;
  auto listing = std::make_shared<const std::vector<DirectoryEntry>>(std::move(names));
  const MutexLock lock(mutex_);
  const auto at = handles_.find(handle);
  if (at != handles_.end()) at->second.listing = listing;
  return listing;
}

void DirectoryHandles::Close(std::uint64_t handle) {
  Listing last;  // freed without the lock
  const MutexLock lock(mutex_);
  const auto at = handles_.find(handle);
  if (at == handles_.end()) return;
  last = std::move(at->second.listing);
  handles_.erase(at);
}

std::size_t DirectoryHandles::size() const {
  const MutexLock lock(mutex_);
  return handles_.size();
}

}  // namespace downwardfs
