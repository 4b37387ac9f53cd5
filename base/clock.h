// SPDX-License-Identifier: Apache-2.0
//
// Time as an interface, so that tests turn the clock by hand instead of sleeping. Implementations
// may be called by any thread.
#pragma once

#include <chrono>

namespace downwardfs {

/// Two clocks. Steady time measures ages and timeouts; wall time names things for people.
class Clock {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using WallTime = std::chrono::system_clock::time_point;

  virtual ~Clock() = default;
  virtual SteadyTime Steady() const = 0;
  virtual WallTime Wall() const = 0;

  /// The machine's clocks.
  static const Clock& Real();
};

inline const Clock& Clock::Real() {
  class RealClock final : public Clock {
   public:
    SteadyTime Steady() const override { return std::chrono::steady_clock::now(); }
    WallTime Wall() const override { return std::chrono::system_clock::now(); }
  };
  static const RealClock clock;
  return clock;
}

}  // namespace downwardfs
