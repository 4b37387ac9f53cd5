// SPDX-License-Identifier: Apache-2.0
#include "base/rfc3339.h"

#include <gtest/gtest.h>

namespace downwardfs {
namespace {

TEST(Rfc3339Test, OffsetsAndFractions) {
  const auto seconds = [](const char* text) {
    const auto time = ParseRfc3339(text);
    return time ? std::chrono::system_clock::to_time_t(*time) : -1;
  };
  EXPECT_EQ(seconds("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(seconds("2026-11-22T13:53:32Z"), 1795355612);
  EXPECT_EQ(seconds("2026-11-22t15:53:32.123456789+02:00"), 1795355612);
  EXPECT_EQ(seconds("2026-11-22T08:23:32-05:30"), 1795355612);
  // Beyond int64 nanoseconds; the first was found by the fuzzer.
  EXPECT_LT(seconds("1013-01-15T08:17:40Z"), -9'000'000'000);
  EXPECT_GT(seconds("9999-12-31T23:59:59Z"), 9'000'000'000);
  for (const char* bad : {"", "2026-11-22", "2026-13-22T13:53:32Z", "2026-02-30T13:53:32Z",
                          "2026-11-22T24:53:32Z", "2026-11-22T13:53:32", "2026-11-22T13:53:32.Z",
                          "2026-11-22T13:53:32Zx", "2026-11-22T13:53:32+1:00"}) {
    EXPECT_EQ(seconds(bad), -1) << bad;
  }
}

TEST(Rfc3339Test, SecondsAreCutAndNothingIsZero) {
  EXPECT_EQ(Rfc3339Seconds("2026-11-22T13:53:32.999999Z"), 1795355612);
  EXPECT_EQ(Rfc3339Seconds("1969-12-31T23:59:59.5Z"), -1);
  EXPECT_EQ(Rfc3339Seconds("yesterday"), 0);
}

}  // namespace
}  // namespace downwardfs
