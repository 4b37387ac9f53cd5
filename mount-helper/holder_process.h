// SPDX-License-Identifier: Apache-2.0
// The holder of a mount as a process that may be sent a signal. A status is the words of whoever
// serves the mount, and a process id may be another process's a moment later, so the kernel is
// asked for proof. Any thread; Linux 5.3.
#pragma once

#include <sys/types.h>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/mount_table.h"

namespace downwardfs {

class HolderProcess {
 public:
  /// The process `pid`, if it is the holder of `mount`: root has mounted it (an ordinary user could
  /// mount a file system of the same type that names any process), the process is root's, runs
  /// downwardfs-holder, and has the FUSE device open, of this mount's own connection where the
  /// kernel says which (Linux 6.18). kFailedPrecondition names what is wrong, kNotFound says that
  /// there is no such process.
  static Result<HolderProcess> Prove(pid_t pid, const MountEntry& mount);

  /// Sends a signal to that process and to no later one of the same number.
  Status Signal(int signal) const;

 private:
  explicit HolderProcess(OwnedFd process) : process_(std::move(process)) {}

  OwnedFd process_;  // pidfd_open(2)
};

}  // namespace downwardfs
