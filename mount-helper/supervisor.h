// SPDX-License-Identifier: Apache-2.0
//
// The parent of the node plugin's daemon, PID 1 of its container: keeps the descriptors of every
// volume, starts the daemon, starts it again when it dies or hangs, and hands all to the next one.
// What needs a right (mount, unmount) it passes on to a mounter; when that one is replaced, the new
// one gets the descriptors from here, and the other way round. Both gone at once is what readers
// notice (docs/handover.md).
//
// One thread; no library beyond libc.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/daemon_child.h"
#include "mount-helper/held_volumes.h"
#include "mount-helper/node_mounter.h"

namespace downwardfs {

struct SupervisorOptions {
  DaemonChild::Options daemon;
  std::string mounter_socket;  ///< of a mounter that runs elsewhere; empty: `mounter` is run here
  NodeMounterOptions mounter;
  bool resend = true;  ///< ask the kernel for unanswered requests, where it can
};

class Supervisor {
 public:
  explicit Supervisor(SupervisorOptions options)
      : options_(std::move(options)), daemon_(options_.daemon) {}

  /// Runs until SIGTERM, or until the daemon says that it cannot start; returns the process's exit
  /// status.
  int Run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Asked {
    std::uint64_t generation;  // of the daemon that asked
    std::uint64_t serial;      // as it called it
    Message request;           // of kMountVolume and kUnmountVolume: what it is about
  };

  Status SetUp();
  void Connect();
  OwnedFd StartMounter();
  void SayAway(const std::string& why);
  void LoseMounter();
  void TakeMounterMessage();
  void TakeAnswer(Message answer);
  void KeepVolume(const Message& request, const Message& answer);
  void TakeDaemonMessage();
  void Attach();
  void PassOn(Message request);
  void Refuse(std::uint64_t serial, const std::string& why);
  void TellDaemon(const Message& message);
  void TellAttached(const Message& message);
  void TellWhetherSynced();
  bool TellMounter(const Message& message);
  bool LifeLost() const;
  void TakeSignals();
  void DaemonEnded(int status);
  int WaitTime() const;
  int Finish();

  SupervisorOptions options_;
  DaemonChild daemon_;
  OwnedFd signals_;
  OwnedFd life_;     // a handover memory of no volume, for the daemon's main thread
  OwnedFd mounter_;  // the connection
  pid_t mounter_pid_ = -1;
  bool synced_ = false;    // the mounter and we know the same
  bool started_ = false;   // the first daemon has been
  bool served_ = false;    // a daemon has served
  bool attached_ = false;  // the daemon that runs has been told all
  bool watched_ = false;   // signs of life are expected
  Clock::time_point connect_at_;
  bool said_away_ = false;
  OwnedFd csi_;
  OwnedFd registration_;
  HeldVolumes volumes_;
  std::map<std::uint64_t, Asked> asked_;  // of the mounter, by our serials
  std::uint64_t next_serial_ = 1;
  int exit_status_ = -1;  // -1: go on
};

}  // namespace downwardfs
