// SPDX-License-Identifier: Apache-2.0
//
// The process that changes a mounted volume on the daemon's behalf. It lives with the holder and
// outlives the daemons, because a process that is killed while it waits inside its own mount cannot
// be reaped until somebody answers. Forked from the holder, with CAP_DAC_OVERRIDE and no other
// capability, one thread. It is killed if the holder dies: a publisher that nobody watches may be
// stopped, or wait, for ever.
//
// Each daemon gets a connection of its own (SOCK_SEQPACKET: a TreeCall, then the errno as an int);
// the newest one counts. A process that works for all volumes of a node has one connection, ends
// with it, and gets the volume's device and view with each call.
#pragma once

#include <sys/types.h>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/file_system_set.h"

namespace downwardfs {

class PublisherProcess {
 public:
  /// Forks it. `view` is the writable view's root, `device` the mount's /dev/fuse; the child keeps
  /// copies of these two and closes everything else.
  static Result<PublisherProcess> Start(int view, int device);

  /// One for all volumes whose file systems are in `allowed`.
  static Result<PublisherProcess> StartShared(const FileSystemSet& allowed);

  PublisherProcess() = default;
  /// One that another program has started in this process.
  PublisherProcess(pid_t pid, OwnedFd control)
      : pid_(pid > 0 ? pid : -1), control_(std::move(control)) {}
  pid_t pid() const { return pid_; }

  int control() const { return control_ ? control_.get() : 0; }

  /// A new connection: the end for the daemon.
  Result<OwnedFd> Connect();
  /// Has the view closed: the public mount is gone.
  void DropView();
  /// Ends it. It may hang in the kernel until somebody answers it: then it is left there.
  void End();

 private:
  struct Work;
  static Result<PublisherProcess> Fork(Work work);

  pid_t pid_ = -1;
  OwnedFd control_;
};

}  // namespace downwardfs
