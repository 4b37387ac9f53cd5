// SPDX-License-Identifier: Apache-2.0
//
// Completes the answer to FUSE_INIT with what this libfuse does not know, if the kernel offers it:
//   FUSE_ALLOW_IDMAP (Linux 6.12), without which the file system cannot be mounted id-mapped, as
//     pods with user namespaces need it. It wants default_permissions, which is set.
//   FUSE_DIRECT_IO_ALLOW_MMAP (6.6), without which mmap(MAP_SHARED) of a file in the live layout
//     fails with ENODEV.
//
// INIT is the first request of a session and comes once; SawRequest() and Complete() are called on
// the thread that serves it, before any other request exists. The others: any thread.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/mutex.h"

namespace downwardfs {

class InitReply {
 public:
  /// Looks at a request as it was read.
  void SawRequest(const void* request, std::size_t size);
  /// Changes a reply in place if it is the one to INIT.
  void Complete(const iovec* parts, int count);

  /// The kernel offered id-mapped mounts, and we took it.
  bool allows_idmap() const { return allows_idmap_; }
  /// All flags that the kernel offered with INIT (linux/fuse.h; flags2 is the high half). Waits for
  /// INIT until the deadline; nothing if it has not come by then.
  std::optional<std::uint64_t> AwaitOffered(std::chrono::steady_clock::time_point deadline)
      EXCLUDES(mutex_);

 private:
  void SetOffered(std::uint64_t flags) EXCLUDES(mutex_);

  std::atomic<std::uint64_t> unique_{0};  // of the INIT that is not answered; 0: none
  std::atomic<std::uint64_t> taken_{0};   // of what it offers
  std::atomic<bool> allows_idmap_{false};
  Mutex mutex_;
  CondVar came_;
  std::optional<std::uint64_t> offered_ GUARDED_BY(mutex_);
};

}  // namespace downwardfs
