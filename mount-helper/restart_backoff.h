// SPDX-License-Identifier: Apache-2.0
//
// When the next daemon starts after one has ended. A daemon that dies once is replaced at once,
// because readers wait. A daemon that dies again and again is slowed, also if each one has served:
// only a daemon that has lived for kLivedWell proves that the cause is gone. The count goes by the
// life and not by "has served", because a crash after the first answer costs the machine and the
// API server as much as a crash before it.
//
// Deaths are of two kinds. A daemon that crashes, exits, hangs or talks nonsense counts until one
// lives well. A SIGKILL from elsewhere says nothing about the daemon: the killer sets the pace. It
// counts only while it comes before the daemon serves (a memory limit that no daemon can start in),
// and the first one that serves ends that row.
//
// Pure: the caller passes the time (Clock::Steady()). Owned by whoever starts daemons, on its one
// thread.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace downwardfs {

class RestartBackoff {
 public:
  using Time = Clock::SteadyTime;
  enum class Death {
    kItsOwn,   ///< it crashed, exited, or was killed by us because it hung or talked nonsense
    kByOthers  ///< SIGKILL that we did not send, or that we sent for another's sake
  };

  /// A daemon that lives so long has not died of what killed the one before it.
  static constexpr std::chrono::seconds kLivedWell{10};
  /// So many deaths in a row are answered at once: a request that kills each daemon is given up
  /// after three, and several of them may wait.
  static constexpr int kQuickRestarts = 20;
  static constexpr std::chrono::milliseconds kFirstPause{50};
  static constexpr std::chrono::milliseconds kLongestPause{5000};

  void Started(Time now) {
    started_ = now;
    served_ = false;
  }
  void Served() { served_ = true; }

  /// The daemon has ended. Returns the time to start the next one; `now`: at once.
  Time Ended(Time now, Death death) {
    if (now - started_ >= kLivedWell) {
      own_ = before_serving_ = Row();
      return now;
    }
    if (death == Death::kItsOwn) return now + own_.NextPause();
    if (!served_) return now + before_serving_.NextPause();
    before_serving_ = Row();
    return now;
  }

 private:
  // Deaths in a row: the first ones cost no pause, each later one twice that of the one before.
  struct Row {
    int deaths = 0;
    std::chrono::milliseconds pause{0};

    std::chrono::milliseconds NextPause() {
      if (deaths < kQuickRestarts) {
        ++deaths;
      } else {
        pause = std::clamp(pause * 2, kFirstPause, kLongestPause);
      }
      return pause;
    }
  };

  Time started_;
  bool served_ = false;
  Row own_;
  Row before_serving_;
};

}  // namespace downwardfs
