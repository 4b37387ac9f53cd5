// SPDX-License-Identifier: Apache-2.0
//
// The daemon as its parent sees it: started with one end of a channel, without capabilities,
// watched, and started again when it has died (restart_backoff.h says when). Owned by a holder or a
// supervisor, used on its one thread; that one reaps children and says which of them was the
// daemon.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/holder_protocol.h"
#include "mount-helper/privileges.h"
#include "mount-helper/restart_backoff.h"

namespace downwardfs {

class DaemonChild {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    std::vector<std::string> command;
    std::chrono::milliseconds watchdog{10000};  ///< without a sign of life; zero: no watchdog
    std::optional<RunAs> run_as;                ///< nothing: who we are
  };

  explicit DaemonChild(Options options) : options_(std::move(options)) {}

  /// Starts one; its end of the channel is in the variable kHolderFdVariable.
  Status Start();
  /// One that was started by the program before us in this process (exec(2)). It is killed, so that
  /// one of our own build takes over. `pid` 0: there was none.
  void TakeOver(pid_t pid, OwnedFd channel, const DaemonFigures& figures);

  pid_t pid() const { return pid_; }
  bool running() const { return pid_ > 0; }
  /// Our end, not blocking; -1 once it is closed.
  int channel() const { return channel_ ? channel_.get() : -1; }
  void CloseChannel() { channel_.Reset(); }
  const DaemonFigures& figures() const { return figures_; }
  /// Since when nobody has served: the last one's death, or its last sign of life where it hung.
  /// Nothing while one serves, and before the first has.
  std::optional<Clock::time_point> unserved_since() const { return unserved_since_; }
  std::chrono::milliseconds watchdog() const { return options_.watchdog; }

  /// It has said something.
  void Heard() { last_sign_ = Clock::now(); }
  /// It has taken care of what the one before it left.
  void Serving();
  /// For a fault of its own: it hangs, or talks nonsense.
  void Kill();
  /// For the sake of something else, whose death says nothing about the daemon.
  void KillBlameless() const;
  /// It is ended so that a newer build takes over: no death that counts.
  void Replace();

  /// It has ended, or is as good as dead; `status` is that of waitpid(2). The next one is started
  /// by CheckTimers().
  void Ended(int status);
  /// Asks it to end, and kills it if it does not. Returns its exit status, 1 where it was killed or
  /// there is none.
  int End();

  /// Starts and kills what is due. `watched`: signs of life are expected by now. `life_lost` is
  /// asked now and then: whether its main thread is dead, although it cannot be reaped. False where
  /// it is: call Ended().
  template <class LifeLost>
  bool CheckTimers(bool watched, const LifeLost& life_lost) {
    const auto now = Clock::now();
    if (!running() && now >= restart_at_ && !Start()) RetryLater(now);
    if (!Watched(watched)) return true;
    if (now >= NextLook()) {
      life_checked_ = now;
      if (life_lost()) return false;
    }
    KillIfSilent(now);
    return true;
  }
  /// Milliseconds for poll(2) until something is due; -1: nothing is.
  int WaitTime(bool watched) const;

 private:
  bool Watched(bool watched) const { return watched && running() && options_.watchdog.count() > 0; }
  std::chrono::milliseconds Patience() const;
  Clock::time_point NextLook() const;
  void KillIfSilent(Clock::time_point now);
  void RetryLater(Clock::time_point now);
  [[noreturn]] void BecomeDaemon(int channel) const;

  const Options options_;
  pid_t pid_ = -1;
  OwnedFd channel_;
  DaemonFigures figures_;
  bool served_ = false;    // the present one has begun to
  bool replaced_ = false;  // it is ended so that a new build takes over
  bool at_fault_ = false;  // it is killed for a fault of its own
  Clock::time_point started_;
  Clock::time_point last_sign_;                    // of its life
  Clock::time_point life_checked_;                 // when that was looked at closely
  Clock::time_point died_;                         // the one before it
  std::optional<Clock::time_point> silent_since_;  // the present one, which is killed for that
  std::optional<Clock::time_point> unserved_since_;
  Clock::time_point restart_at_ = Clock::time_point::max();
  RestartBackoff backoff_;
};

}  // namespace downwardfs
