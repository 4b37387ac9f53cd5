// SPDX-License-Identifier: Apache-2.0
// When to try something again that has failed: after a pause, then after twice as long each time up
// to a longest one; and whether its failure is news for the log. Used by one thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

namespace downwardfs {

class Retry {
 public:
  using Clock = std::chrono::steady_clock;

  Retry() = default;
  Retry(std::chrono::milliseconds first, std::chrono::milliseconds longest)
      : first_(first), longest_(longest) {}

  bool Due(Clock::time_point now) const { return now >= at_; }
  /// The time of the next attempt.
  Clock::time_point at() const { return at_; }

  /// It has failed. True where it has not failed so before.
  bool Failed(Clock::time_point now, const std::string& why) {
    at_ = now + pause_;
    pause_ = std::min(2 * pause_, longest_);
    if (why == said_) return false;
    said_ = why;
    return true;
  }
  /// It has succeeded: the next failure is a first one.
  void Succeeded() {
    pause_ = first_;
    at_ = Clock::time_point::min();
    said_.clear();
  }

 private:
  std::chrono::milliseconds first_{1000};
  std::chrono::milliseconds longest_{60000};
  std::chrono::milliseconds pause_ = first_;
  Clock::time_point at_ = Clock::time_point::min();
  std::string said_;
};

}  // namespace downwardfs
