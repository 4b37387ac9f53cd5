// SPDX-License-Identifier: Apache-2.0
//
// The holder of one mount: a small process with CAP_SYS_ADMIN that mounts, keeps what must outlive
// a daemon (the FUSE device, the handover memory, the publisher), starts the daemon, starts it
// again when it dies, and unmounts at the end. Whoever reads the volume waits meanwhile and sees
// nothing of it. One thread; no library beyond libc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/daemon_child.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/handover_memory.h"
#include "mount-helper/holder_protocol.h"
#include "mount-helper/mount_watch.h"
#include "mount-helper/publisher_process.h"
#include "mount-helper/request_deaths.h"

namespace downwardfs {

struct HolderOptions {
  FuseMountOptions mount;  ///< the source is the daemon's to say
  DaemonChild::Options daemon;
  std::vector<std::string> arguments;  ///< our own, without argv[0] and --resume
  int ready_fd = -1;                   ///< written to when the mount is ready; -1: nobody waits
  bool resend = true;                  ///< ask the kernel for unanswered requests, where it can
};

class Holder {
 public:
  explicit Holder(HolderOptions options) : options_(std::move(options)), daemon_(options_.daemon) {}

  /// Takes over what SaveState() of another holder has written: its mount, its daemon and its
  /// descriptors, over exec(2). kInvalidArgument where it is of another format.
  Status Resume(const std::string& state);

  /// Runs until the mount is gone; returns the process's exit status. Signals must not be blocked
  /// by the caller.
  int Run();

 private:
  Status SetUp();
  Status SetUpSignals();
  std::string SaveState() const;
  void ReplaceOurselves();
  void TakeMessage();
  void LeaveTheTerminal();
  void Attach(const message::Hello& hello);
  Status StartPublisher();
  void Mount(const message::MountNow& request);
  Result<FuseMount> ForDaemon();
  void TakeSignals();
  void Reap();
  void DaemonEnded(int status);
  bool LifeLost() const;
  void MountAnew();
  void CheckMount();
  void UnmountAll();
  int Finish(int status);

  HolderOptions options_;
  OwnedFd signals_;
  FuseMount mount_;     // its publisher is a connection for a daemon, and never here
  bool ready_ = false;  // since the first daemon was
  PublisherProcess publisher_;
  std::unique_ptr<MountWatch> watch_;

  DaemonChild daemon_;
  RequestDeaths deaths_;
  bool stopping_ = false;
  int exit_status_ = -1;  // -1: go on
};

}  // namespace downwardfs
