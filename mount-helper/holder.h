// SPDX-License-Identifier: Apache-2.0
//
// The holder of one mount: a small process with CAP_SYS_ADMIN that mounts, keeps what must outlive
// a daemon (the FUSE device, the handover memory, the publisher), starts the daemon, starts it
// again when it dies, and unmounts at the end. Readers of the volume wait meanwhile and see
// no failure. One thread; no library beyond libc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/daemon_keeper.h"
#include "mount-helper/daemon_process.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/handover_memory.h"
#include "mount-helper/holder_protocol.h"
#include "mount-helper/holder_state.h"
#include "mount-helper/mount_watch.h"
#include "mount-helper/publisher_process.h"
#include "mount-helper/stopped_children.h"

namespace downwardfs {

struct HolderOptions {
  FuseMountOptions mount;  ///< the source is the daemon's to say, the directory is the next member
  OwnedFd directory;       ///< to mount on, held until it is; absent: by the path
  DaemonOptions daemon;
  OwnedFd daemon_namespace;  ///< the daemon's `mount_namespace`
  /// Our own, without argv[0], --resume and descriptors.
  std::vector<std::string> arguments;
  /// Kept open for the first daemon to read its inputs from, until it is ready.
  std::vector<int> input_fds;
  int ready_fd = -1;   ///< written to when the mount is ready; -1: nobody waits
  bool resend = true;  ///< ask the kernel for unanswered requests, where it can
};

class Holder : private DaemonKeeper::Owner {
 public:
  explicit Holder(HolderOptions options)
      : options_(std::move(options)),
        stopped_(options_.daemon.watchdog),
        processes_(options_.daemon),
        daemon_(processes_, *this, options_.daemon.watchdog) {}

  /// Takes over the mount, the daemon and the descriptors of the holder that was this process
  /// before (holder_state.h). kInvalidArgument where it is of another format.
  Status Resume(const std::string& state);

  /// Runs until the mount is gone; returns the process's exit status. Signals must not be blocked
  /// by the caller.
  int Run();

 private:
  void Attach() override;
  void Take(HolderMessage& message) override;
  DaemonKeeper::Next Ended(const DaemonKeeper::End& end) override;
  bool SignsExpected() const override { return ready_; }
  std::map<std::string, int> Memories() const override {
    return {{mount_.id, mount_.memory.get()}};
  }

  Status SetUp();
  Status SetUpSignals();
  HolderState State() const;
  void ReplaceOurselves();
  void LeaveTheTerminal();
  Status StartPublisher();
  void Mount(const message::MountNow& request);
  Result<FuseMount> ForDaemon();
  void TakeSignals();
  void Reap();
  void LosePublisher(int status);
  void CheckPublisher();
  int WaitTime() const;
  void MountAnew();
  void CheckMount();
  void UnmountAll();
  int Finish(int status);

  HolderOptions options_;
  OwnedFd signals_;
  FuseMount mount_;     // its publisher is a connection for a daemon, and never here
  bool ready_ = false;  // since the first daemon was
  PublisherProcess publisher_;
  StoppedChildren stopped_;  // the daemon has a watchdog of its own
  // The publisher has died: when the daemon is ended for it, and whether the publisher was killed.
  struct Loss {
    Clock::SteadyTime due;
    bool by_others;
  };
  std::optional<Loss> loss_;
  std::unique_ptr<MountWatch> watch_;

  ForkedDaemons processes_;
  DaemonKeeper daemon_;
  int exit_status_ = -1;  // -1: go on
};

}  // namespace downwardfs
