// SPDX-License-Identifier: Apache-2.0
#include "base/retry.h"

#include <gtest/gtest.h>

namespace downwardfs::testing {
namespace {

using std::chrono::seconds;

TEST(RetryTest, WaitsTwiceAsLongEachTimeUpToAMinute) {
  Retry retry;
  Retry::Clock::time_point now{};
  EXPECT_TRUE(retry.Due(now));
  for (const int pause : {1, 2, 4, 8, 16, 32, 60, 60}) {
    retry.Failed(now, "why");
    EXPECT_FALSE(retry.Due(now + seconds(pause) - std::chrono::milliseconds(1)));
    now += seconds(pause);
    EXPECT_TRUE(retry.Due(now));
  }
}

TEST(RetryTest, TheSameReasonIsNoNews) {
  Retry retry;
  const Retry::Clock::time_point now{};
  EXPECT_TRUE(retry.Failed(now, "a"));
  EXPECT_FALSE(retry.Failed(now, "a"));
  EXPECT_TRUE(retry.Failed(now, "b"));
}

}  // namespace
}  // namespace downwardfs::testing
