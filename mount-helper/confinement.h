// SPDX-License-Identifier: Apache-2.0
// Limits of a process of ours though it has root's uid, for the rest of the machine: not to be read
// by a debugger, signal others, write files (landlock(7), prctl(2)). For a process with one thread,
// before it does any work: threads and programs that it starts inherit it, other threads do not.
#pragma once

#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

enum class ConfiningMode {
  kOff,   ///< DOWNWARDFS_FILTER=off, or a program with sanitizers, whose runtime does much of this
  kOn,    ///< what is refused fails
  kKill,  ///< DOWNWARDFS_FILTER=kill: a refused system call ends the process, for tests
};

/// By the environment that the process was started with.
ConfiningMode Confining();

/// No core file, and no process without CAP_SYS_PTRACE may trace this one or open its descriptors
/// and memory in /proc, its own user's included. Until the next exec.
void ForbidDumps();

/// This process and those that it starts signal no other, and connect to nobody else's abstract
/// socket (Linux 6.12). kUnavailable if the kernel or the container has no landlock.
Status ForbidSignals();

/// No path leads this process to any file but those that it has open: its root directory becomes
/// its own /proc/PID/fd, which is returned. Empty, and nothing happens, without CAP_SYS_CHROOT or
/// /proc. In another's mount, which has a root of its own, `..` stays there.
OwnedFd LeaveAllPaths();

/// Files and directories that may be written, made and removed.
struct WritablePlaces {
  std::vector<std::string> paths;  ///< what does not exist is left out
  /// A descriptor of one more directory, whose file system is not asked; -1: none.
  int directory = -1;
  /// Directories below which files may be made and written, and no more: not cut off, not removed.
  std::vector<std::string> logs = {};
};

/// The same; and they write, make and remove files only at and below `places` and the null device
/// (Linux 5.13), and make no ioctl of a device that they open (Linux 6.10). Descriptors that are
/// open stay as they are. Mounts are no longer theirs to change.
Status ForbidWrites(const WritablePlaces& places);

}  // namespace downwardfs
