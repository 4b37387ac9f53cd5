// SPDX-License-Identifier: Apache-2.0
// When to try something again that has failed: after a second, then after twice as long each time,
// at most a minute; and whether its failure is news for the log. Used by one thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

namespace downwardfs {

class Retry {
 public:
  using Clock = std::chrono::steady_clock;

  bool Due(Clock::time_point now) const { return now >= at_; }

  /// It has failed. True where it has not failed so before.
  bool Failed(Clock::time_point now, const std::string& why) {
    at_ = now + pause_;
    pause_ = std::min(2 * pause_, kLongestPause);
    if (why == said_) return false;
    said_ = why;
    return true;
  }

 private:
  static constexpr std::chrono::seconds kLongestPause{60};
  std::chrono::seconds pause_{1};
  Clock::time_point at_ = Clock::time_point::min();
  std::string said_;
};

}  // namespace downwardfs
