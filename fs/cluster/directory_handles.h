// SPDX-License-Identifier: Apache-2.0
//
// The directories that are open. Each holds the listing of the moment in which it was begun, so
// that a reader who takes his time gets every name once, whatever comes and goes meanwhile: what
// was there all the time is in it, and no name twice. rewinddir(3) begins anew. A cookie is a place
// in that listing. (Without handles a cookie would have to outlive its name; with the kernel's
// cache of listings, a reader whose cookie is gone from a newer listing would miss the rest.)
//
// Owned by the mount; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "fs/cluster/cluster_tree.h"

namespace downwardfs {

class DirectoryHandles {
 public:
  using Listing = std::shared_ptr<const std::vector<TreeName>>;

  /// `tree` outlives it.
  explicit DirectoryHandles(const ClusterTree& tree) : tree_(tree) {}

  /// OPENDIR; 0 where the directory is gone.
  std::uint64_t Open(NodeId directory) EXCLUDES(mutex_);
  /// READDIR: the listing, made anew where `offset` is 0. Null where there is no such handle.
  Listing Read(std::uint64_t handle, std::uint64_t offset) EXCLUDES(mutex_);
  void Close(std::uint64_t handle) EXCLUDES(mutex_);
  std::size_t size() const EXCLUDES(mutex_);

 private:
  struct Handle {
    NodeId directory = 0;
    Listing listing;
  };

  const ClusterTree& tree_;
  mutable Mutex mutex_;
  std::unordered_map<std::uint64_t, Handle> handles_ GUARDED_BY(mutex_);
  std::uint64_t next_ GUARDED_BY(mutex_) = 1;
};

}  // namespace downwardfs
