// SPDX-License-Identifier: Apache-2.0
//
// The parent of the node plugin's daemon, PID 1 of its container: keeps the descriptors of every
// volume, starts the daemon, starts it again when it dies or hangs, and hands all to the next one.
// It passes requests that need a right (mount, unmount) on to a mounter. When the mounter is
// replaced, the new one gets the descriptors from here, and the other way round. Readers see an
// error only if both end at the same time (docs/handover.md).
//
// One thread; no library beyond libc.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/daemon_keeper.h"
#include "mount-helper/daemon_process.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/holder_protocol.h"
#include "mount-helper/node_mounter.h"

namespace downwardfs {

struct SupervisorOptions {
  DaemonOptions daemon;
  std::string mounter_socket;  ///< of a mounter that runs elsewhere; empty: `mounter` is run here
  NodeMounterOptions mounter;
  bool resend = true;  ///< ask the kernel for unanswered requests, where it can
};

class Supervisor : private DaemonKeeper::Owner {
 public:
  explicit Supervisor(SupervisorOptions options)
      : options_(std::move(options)),
        processes_(options_.daemon),
        daemon_(processes_, *this, options_.daemon.watchdog) {}

  /// Runs until SIGTERM, or until the daemon says that it cannot start; returns the process's exit
  /// status.
  int Run();

 private:
  using Clock = std::chrono::steady_clock;
  // A mounter that has begun needs what we have at once: if we die before it has that, the volumes
  // are lost. One that stays away is asked less and less often.
  static constexpr std::chrono::milliseconds kConnectAgain{5};
  static constexpr std::chrono::milliseconds kConnectSeldom{200};
  struct Asked {
    std::uint64_t generation;  // of the daemon that asked
    std::uint64_t serial;      // as it called it
    HolderMessage request;     // one of the four that have a serial
  };

  void Attach() override;
  void Take(HolderMessage& message) override;
  DaemonKeeper::Next Ended(const DaemonKeeper::End& end) override;
  // Also before it serves: one that was stopped then would leave the volumes unanswered for ever.
  bool SignsExpected() const override { return true; }
  std::map<std::string, int> Memories() const override;

  Status SetUp();
  void Connect();
  OwnedFd StartMounter();
  void SayAway(const std::string& why);
  void LoseMounter();
  void TakeMounterMessage();
  void TakeFromMounter(message::Volume& volume);
  void TakeFromMounter(message::Sockets& sockets);
  void TakeFromMounter(message::Synced& synced);
  void TakeFromMounter(message::Detached& detached);
  void TakeFromMounter(message::Refused& refused);
  void TakeFromMounter(message::Done& answer);
  void Keep(const message::MountVolume& request, const message::Done& answer);
  void Keep(const message::UnmountVolume& request);
  template <class Request>
  void PassOn(Request& request);
  void Refuse(std::uint64_t serial, const std::string& why);
  template <class Message>
  void TellDaemon(const Message& message);
  template <class Message>
  void TellAttached(const Message& message);
  void TellVolume(const FuseMount& volume);
  void TellWhetherSynced();
  template <class Message>
  bool TellMounter(const Message& message);
  void TakeSignals();
  int WaitTime() const;
  int Finish();

  SupervisorOptions options_;
  ForkedDaemons processes_;
  DaemonKeeper daemon_;
  OwnedFd signals_;
  OwnedFd life_;     // a handover memory of no volume, which every daemon claims
  OwnedFd mounter_;  // the connection
  pid_t mounter_pid_ = -1;
  bool synced_ = false;    // the mounter and we know the same
  bool started_ = false;   // the first daemon has been
  bool attached_ = false;  // the daemon that runs has been told all
  Clock::time_point connect_at_;
  std::chrono::milliseconds connect_pause_ = kConnectAgain;
  bool said_away_ = false;
  message::Sockets sockets_;
  std::map<std::string, FuseMount> volumes_;  // by volume_id
  std::map<std::uint64_t, Asked> asked_;      // of the mounter, by our serials
  std::uint64_t next_serial_ = 1;
  int exit_status_ = -1;  // -1: go on
};

}  // namespace downwardfs
