// SPDX-License-Identifier: Apache-2.0
//
// The holder of one mount: a small process with CAP_SYS_ADMIN that mounts, keeps what must outlive
// a daemon (the FUSE device, the handover memory, the publisher), starts the daemon, starts it
// again when it dies, and unmounts at the end. Whoever reads the volume waits meanwhile and sees
// nothing of it. One thread; no library beyond libc.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/handover_memory.h"
#include "mount-helper/holder_protocol.h"
#include "mount-helper/mount_watch.h"
#include "mount-helper/privileges.h"
#include "mount-helper/publisher_process.h"

namespace downwardfs {

struct HolderOptions {
  FuseMountOptions mount;              ///< the source is the daemon's to say
  std::vector<std::string> command;    ///< of the daemon
  std::vector<std::string> arguments;  ///< our own, without argv[0] and --resume
  int ready_fd = -1;                   ///< written to when the mount is ready; -1: nobody waits
  std::chrono::milliseconds watchdog{10000};  ///< without a sign of life; zero: no watchdog
  std::optional<RunAs> run_as;                ///< who the daemon is; nothing: who we are
  bool resend = true;  ///< ask the kernel for unanswered requests, where it can
};

class Holder {
 public:
  explicit Holder(HolderOptions options) : options_(std::move(options)) {}

  /// Takes over what SaveState() of another holder has written: its mount, its daemon and its
  /// descriptors, over exec(2). kInvalidArgument where it is of another format.
  Status Resume(const std::string& state);

  /// Runs until the mount is gone; returns the process's exit status. Signals must not be blocked
  /// by the caller.
  int Run();

 private:
  using Clock = std::chrono::steady_clock;

  Status SetUp();
  Status SetUpSignals();
  std::string SaveState() const;
  void ReplaceOurselves();
  Status StartDaemon();
  void TakeMessage();
  void LeaveTheTerminal();
  void Attach(const Message& hello);
  void Mount(const Message& request);
  Status SendMounted(Message::Kind kind, std::vector<std::uint64_t> numbers);
  void TakeSignals();
  void Reap();
  void DaemonEnded(int status);
  void CountPending();
  void CheckLife(Clock::time_point now);
  void MountAnew();
  void CheckMount();
  std::chrono::milliseconds Patience() const;
  void CheckTimers(Clock::time_point now);
  int WaitTime(Clock::time_point now) const;
  int EndDaemon();
  void UnmountAll();
  int Finish(int status);

  HolderOptions options_;
  OwnedFd signals_;
  OwnedFd memory_;
  OwnedFd channel_;  // to the daemon
  FuseMount mount_;
  bool mounted_ = false;  // publicly
  bool ready_ = false;    // since the first daemon was
  bool served_ = false;   // the present daemon has begun to
  PublisherProcess publisher_;
  std::unique_ptr<MountWatch> watch_;

  pid_t daemon_ = -1;
  std::uint64_t generation_ = 0;
  std::uint64_t deaths_ = 0;
  Clock::time_point started_;       // of the daemon
  Clock::time_point last_sign_;     // of its life
  Clock::time_point life_checked_;  // when that was looked at closely
  Clock::time_point died_;          // the one before it
  Clock::time_point restart_at_ = Clock::time_point::max();
  std::chrono::milliseconds backoff_{0};
  int quick_restarts_ = 0;
  std::uint64_t last_handover_us_ = 0;
  std::uint64_t longest_handover_us_ = 0;
  std::map<std::uint64_t, int> deaths_by_request_;
  bool stopping_ = false;
  bool replaced_ = false;  // the daemon is ended so that a new build takes over
  int exit_status_ = -1;   // -1: go on
};

}  // namespace downwardfs
