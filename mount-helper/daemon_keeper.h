// SPDX-License-Identifier: Apache-2.0
//
// Keeps a daemon alive: starts it, listens to it, kills it if it hangs, finds out that it is dead
// although it cannot be reaped, and starts the next one, sooner or later (restart_backoff.h), which
// takes over. There is one daemon at a time: the next one starts when the one before it is reaped,
// or when it has been sent SIGKILL, has not ended within kDeathTakes because it hangs in the
// kernel, and is fenced off from the handover memories (handover_memory.h). The holder of one mount
// and the supervisor of a node's volumes both use it; each is the Owner, which knows what is
// mounted. Processes are behind an interface, so tests need none.
//
// Used on its owner's one thread, which polls channel() for WaitTime(), reaps children, and calls
// TakeMessage(), Ended() and CheckTimers(). Every call may call the owner back.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/descriptor_gate.h"
#include "mount-helper/holder_protocol.h"
#include "mount-helper/request_deaths.h"
#include "mount-helper/restart_backoff.h"

namespace downwardfs {

/// The keeper's hold on processes (daemon_process.h); a fake in tests.
class DaemonProcesses {
 public:
  struct Started {
    pid_t pid = -1;
    OwnedFd channel;  ///< our end, not blocking
  };
  virtual ~DaemonProcesses() = default;
  virtual Result<Started> Start() = 0;
  virtual void Kill(pid_t pid) = 0;
  /// Its main thread has ended, and it is not reaped yet: another thread may hang in the kernel.
  virtual bool IsDying(pid_t pid) = 0;
  /// Asks it to end, kills it if it does not, and reaps it. Returns its exit status, 1 if it was
  /// killed.
  virtual int End(pid_t pid) = 0;
};

class DaemonKeeper {
 public:
  using Time = Clock::SteadyTime;
  /// A daemon that has been killed and is not reaped by then hangs in the kernel. No thread of it
  /// runs its own code any more (signal(7), SIGKILL).
  static constexpr std::chrono::milliseconds kDeathTakes{500};

  struct End {
    int status = 0;             ///< of waitpid(2)
    bool asked_to_end = false;  ///< it has said message::Stop
  };
  enum class Next {
    kNobody,   ///< no daemon comes after this one
    kAnother,  ///< the next one takes over what this one leaves
    kAnew,     ///< the next one finds new memories
  };
  class Owner {
   public:
    virtual ~Owner() = default;
    /// The daemon speaks our protocol and waits for message::Attach.
    virtual void Attach() = 0;
    /// Any other message that is not about the daemon's life.
    virtual void Take(HolderMessage& message) = 0;
    /// The daemon has ended, or is as good as dead.
    virtual Next Ended(const End& end) = 0;
    /// The watchdog may ask for signs of life by now.
    virtual bool SignsExpected() const = 0;
    /// The memory of each mount that the daemon serves, by the mount's id.
    virtual std::map<std::string, int> Memories() const = 0;
  };

  /// All three outlive the keeper. `watchdog`: without a sign of life for so long the daemon is
  /// killed; zero: never.
  DaemonKeeper(DaemonProcesses& processes, Owner& owner, std::chrono::milliseconds watchdog,
               const Clock& clock = Clock::Real())
      : processes_(processes), owner_(owner), watchdog_(watchdog), clock_(clock) {}

  Status Start();
  /// Takes a daemon that the program before us in this process has started (exec(2)), and kills it,
  /// so that one of our own build takes over. `pid` 0: there was none.
  void TakeOver(pid_t pid, OwnedFd channel, const DaemonFigures& figures);

  pid_t pid() const { return pid_; }
  bool running() const { return pid_ > 0; }
  /// The present one serves.
  bool serves() const { return running() && served_; }
  /// One has, the present one or one before it.
  bool has_served() const { return has_served_; }
  /// Our end, not blocking; -1 once it is closed.
  int channel() const { return channel_ ? channel_.get() : -1; }
  /// Messages of the daemon that nobody has read may have descriptors (descriptor_gate.h).
  void CloseChannel() { gate_.EndConnection(std::move(channel_)); }
  const DaemonFigures& figures() const { return figures_; }
  /// Since when nobody has served: the last one's death, or its last sign of life if it hung.
  /// Nothing while one serves, and before the first has.
  std::optional<Time> unserved_since() const { return unserved_since_; }
  std::chrono::milliseconds watchdog() const { return watchdog_; }

  /// The requests of a mount that daemons have died of too often (request_deaths.h).
  std::vector<std::uint64_t> Poison(const std::string& id) const;
  /// The mount is gone, or is another one.
  void ForgetDeaths(const std::string& id) { deaths_.erase(id); }

  /// The channel is readable.
  void TakeMessage();
  /// The daemon was reaped; `status` is that of waitpid(2).
  void Ended(int status);
  /// Starts and kills what is due.
  void CheckTimers();
  /// Milliseconds for poll(2) until something is due; -1: nothing is.
  int WaitTime() const;

  /// Kills it for a fault of its own: it hangs, or talks nonsense.
  void Kill();
  /// Kills it for the sake of something else, whose death says nothing about the daemon.
  void KillBlameless();
  /// Kills it so that a newer build takes over: no death that counts.
  void Replace();
  /// Asks it to end, and kills it if it does not; no other one is started. Returns its exit status,
  /// 1 if it was killed or is not there.
  int EndForGood();

 private:
  void Serving();
  void TakeLastWords();
  void CountDeaths();
  bool Watched() const;
  void FenceOff(bool blameless) const;
  std::chrono::milliseconds Patience() const;
  Time NextLook() const;
  void KillIfSilent(Time now);

  DaemonProcesses& processes_;
  Owner& owner_;
  const std::chrono::milliseconds watchdog_;
  const Clock& clock_;
  pid_t pid_ = -1;
  DescriptorGate gate_;
  OwnedFd channel_;
  DaemonFigures figures_;
  bool has_served_ = false;
  bool served_ = false;               // the present one has begun to
  bool replaced_ = false;             // it is ended so that a new build takes over
  bool at_fault_ = false;             // it is killed for a fault of its own
  bool asked_to_end_ = false;         // it has said so
  Time last_sign_;                    // of its life
  Time life_checked_;                 // when that was looked at closely
  std::optional<Time> killed_at_;     // the present one, and by us
  std::optional<Time> silent_since_;  // the present one, which is killed for that
  std::optional<Time> unserved_since_;
  Time restart_at_ = Time::max();
  RestartBackoff backoff_;
  std::map<std::string, RequestDeaths> deaths_;  // by the mount's id
};

}  // namespace downwardfs
