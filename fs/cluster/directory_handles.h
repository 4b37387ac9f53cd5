// SPDX-License-Identifier: Apache-2.0
//
// The directories that are open. Each holds the listing of the moment in which it was begun, so
// that a reader who takes his time gets every name once, whatever comes and goes meanwhile: what
// was there all the time is in it, and no name twice. rewinddir(3) begins anew. A cookie is a place
// in that listing. (Without handles a cookie would have to outlive its name; with the kernel's
// cache of listings, a reader whose cookie is gone from a newer listing would miss the rest.)
//
// Owned by the tree; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "base/mutex.h"
#include "fs/fuse/inode.h"

namespace downwardfs {

class ClusterTree;

class DirectoryHandles {
 public:
  /// `tree` outlives it.
  explicit DirectoryHandles(const ClusterTree& tree) : tree_(tree) {}

  /// OPENDIR. Nothing if the directory is gone.
  std::optional<std::uint64_t> Open(InodeId directory) EXCLUDES(mutex_);
  /// READDIR: the listing, made anew with `from_start`. Null if there is no such handle.
  Listing Read(std::uint64_t handle, bool from_start) EXCLUDES(mutex_);
  void Close(std::uint64_t handle) EXCLUDES(mutex_);
  std::size_t size() const EXCLUDES(mutex_);

 private:
  struct Handle {
    InodeId directory = 0;
    Listing listing;
  };

  const ClusterTree& tree_;
  mutable Mutex mutex_;
  std::unordered_map<std::uint64_t, Handle> handles_ GUARDED_BY(mutex_);
  std::uint64_t next_ GUARDED_BY(mutex_) = 1;
};

}  // namespace downwardfs
