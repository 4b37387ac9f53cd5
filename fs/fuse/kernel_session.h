// SPDX-License-Identifier: Apache-2.0
//
// libfuse's session for one mounted volume: takes one request at a time from /dev/fuse, has the
// operations answer it, and sends notifications. libfuse stays behind this header.
//
// ServeOne() may be called by several threads at once, each with a buffer of its own; the
// notifier's methods by any thread that serves no request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "fs/fuse/kernel_notifier.h"
#include "fs/fuse/operations.h"

namespace downwardfs {

/// The memory that a serving thread receives requests in.
class RequestBuffer {
 public:
  /// `slot`: of the thread, below kMaxSlots (mount-helper/handover_memory.h).
  explicit RequestBuffer(std::uint32_t slot);
  ~RequestBuffer();
  RequestBuffer(const RequestBuffer&) = delete;
  RequestBuffer& operator=(const RequestBuffer&) = delete;

 private:
  friend class KernelSession;
  struct Buffer;
  std::unique_ptr<Buffer> buffer_;
  const std::uint32_t slot_;
};

class KernelSession final : public KernelNotifier {
 public:
  /// Serves a mount that was made with `device` (/dev/fuse, not blocking). `context` outlives it.
  static Result<std::unique_ptr<KernelSession>> Attach(OwnedFd device, SessionContext& context);

  /// Mounts with fusermount3, as an ordinary user. Nothing is left behind where it fails.
  struct UserMountOptions {
    std::string mount_point;
    std::string fs_name;
    bool allow_other = false;
    bool read_only = false;  ///< for the kernel too: nothing is changed through the mount
  };
  static Result<std::unique_ptr<KernelSession>> MountAsUser(const UserMountOptions& options,
                                                            SessionContext& context);
  /// The session of a mount that a daemon before us has served: what it had read and not answered
  /// is taken care of. `resend`: the kernel is asked to send those requests again; otherwise, and
  /// for FORGETs, they are found in the slots. Requests among `poison` are answered EIO. Call
  /// before anybody serves.
  static Result<std::unique_ptr<KernelSession>> Resume(OwnedFd device, SessionContext& context,
                                                       bool resend,
                                                       std::vector<std::uint64_t> poison);

  /// Closes the device, which ends the connection where nobody else has it open.
  ~KernelSession() override;

  /// Polls readable when there is a request.
  int fd() const;

  enum class Outcome {
    kServed,   ///< a request was answered
    kNothing,  ///< there was none
    kEnded,    ///< the file system is no longer mounted anywhere
  };
  Outcome ServeOne(RequestBuffer& buffer);

  void InvalidateName(InodeId directory, const std::string& name) override;
  void InvalidateInode(InodeId inode) override;

  /// Closes the device: who still uses the file system gets ENOTCONN, and what the kernel is told
  /// later goes nowhere. Nobody serves the session any more.
  void Close();
  /// Undoes MountAsUser(); does nothing where it was unmounted already. The device is closed.
  void UnmountAsUser();

 private:
  struct Impl;
  explicit KernelSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace downwardfs
