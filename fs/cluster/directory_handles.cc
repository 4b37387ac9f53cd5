// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/directory_handles.h"

#include <sys/stat.h>

#include <utility>

namespace downwardfs {

std::uint64_t DirectoryHandles::Open(NodeId directory) {
  const auto reply = tree_.Attr(directory);
  if (!reply || reply->attr.links == 0) return 0;
  const MutexLock lock(mutex_);
  const std::uint64_t handle = next_++;
  handles_[handle].directory = directory;
  return handle;
}

DirectoryHandles::Listing DirectoryHandles::Read(std::uint64_t handle, std::uint64_t offset) {
  NodeId directory = 0;
  {
    const MutexLock lock(mutex_);
    const auto at = handles_.find(handle);
    if (at == handles_.end()) return nullptr;
    if (offset != 0 && at->second.listing) return at->second.listing;
    directory = at->second.directory;
  }
  std::vector<TreeName> names = {{".", S_IFDIR, directory}, {"..", S_IFDIR, 0}};
  // One that has gone since it was opened is empty.
  if (auto listed = tree_.List(directory)) {
    names.insert(names.end(), std::make_move_iterator(listed->begin()),
                 std::make_move_iterator(listed->end()));
  }
  auto listing = std::make_shared<const std::vector<TreeName>>(std::move(names));
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
