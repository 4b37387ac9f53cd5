// SPDX-License-Identifier: Apache-2.0
// A clock that stands still until a test advances it. Any thread.
#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.h"

namespace downwardfs {

class FakeClock final : public Clock {
 public:
  SteadyTime Steady() const override { return SteadyTime(std::chrono::nanoseconds(now_.load())); }
  WallTime Wall() const override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(
        std::chrono::seconds(1'800'000'000) + std::chrono::nanoseconds(now_.load())));
  }
  void Advance(std::chrono::nanoseconds by) { now_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_{1'000'000'000'000};
};

}  // namespace downwardfs
