// SPDX-License-Identifier: Apache-2.0
//
// Completes the answer to FUSE_INIT with what this libfuse does not know: FUSE_ALLOW_IDMAP (Linux
// 6.12), without which the file system cannot be mounted id-mapped, as pods with user namespaces
// need it. The kernel takes it where it has offered it and default_permissions is set, which it is.
//
// INIT is the first request of a session and comes once; the methods are called on the thread that
// serves it, before any other request exists.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace downwardfs {

class InitReply {
 public:
  /// Looks at a request as it was read.
  void SawRequest(const void* request, std::size_t size);
  /// Changes a reply in place if it is the one to INIT.
  void Complete(const iovec* parts, int count);

  /// The kernel offered id-mapped mounts, and we took it.
  bool allows_idmap() const { return allows_idmap_; }

 private:
  std::atomic<std::uint64_t> unique_{0};  // of the INIT that is not answered; 0: none
  std::atomic<bool> allows_idmap_{false};
};

}  // namespace downwardfs
