// SPDX-License-Identifier: Apache-2.0
//
// The watchdog of processes that are not asked for signs of life: a child that is stopped (SIGSTOP
// and its like) for as long as a daemon may be silent is to be killed. The kernel says when a child
// stops and goes on (waitpid(2), WUNTRACED and WCONTINUED), so nobody has to look.
//
// The caller passes the time (Clock::Steady()) and kills. Owned by whoever reaps, on its one
// thread.
#pragma once

#include <sys/types.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <vector>

#include "base/clock.h"

namespace downwardfs {

class StoppedChildren {
 public:
  using Time = Clock::SteadyTime;
  /// For waitpid(2).
  static constexpr int kWaitFlags = WNOHANG | WUNTRACED | WCONTINUED;

  /// `patience`: how long a child may be stopped; zero: for ever.
  explicit StoppedChildren(std::chrono::milliseconds patience) : patience_(patience) {}

  /// Takes what waitpid(2) says of a child. True if the child has ended.
  bool Take(pid_t pid, int status, Time now) {
    if (WIFSTOPPED(status)) {
      since_.emplace(pid, now);
      return false;
    }
    since_.erase(pid);
    return !WIFCONTINUED(status);
  }

  /// It was stopped already when its parent became this program (exec(2)).
  void TakeStopped(pid_t pid, Time now) { since_.emplace(pid, now); }

  /// The children that have been stopped for too long; each is named once.
  std::vector<pid_t> TakeOverdue(Time now) {
    std::vector<pid_t> overdue;
    for (auto child = since_.begin(); child != since_.end() && patience_.count() > 0;) {
      if (now < child->second + patience_) {
        ++child;
        continue;
      }
      overdue.push_back(child->first);
      child = since_.erase(child);
    }
    return overdue;
  }

  /// Milliseconds for poll(2) until the next one is overdue; -1: never.
  int WaitTime(Time now) const {
    if (since_.empty() || patience_.count() == 0) return -1;
    Time next = Time::max();
    for (const auto& [pid, since] : since_) next = std::min(next, since + patience_);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 60000));
  }

 private:
  const std::chrono::milliseconds patience_;
  std::map<pid_t, Time> since_;
};

/// The sooner of two times for poll(2), where -1 is never.
inline int SoonerOf(int a, int b) {
  if (a < 0) return b;
  return b < 0 ? a : std::min(a, b);
}

}  // namespace downwardfs
