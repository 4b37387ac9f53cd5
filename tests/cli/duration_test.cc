// SPDX-License-Identifier: Apache-2.0
// The durations of --wait.
#include "cli/duration.h"

#include <gtest/gtest.h>

namespace downwardfs {
namespace {

TEST(DurationTest, TakesWhatPeopleType) {
  const auto milliseconds = [](const char* text) {
    const auto duration = ParseDuration(text);
    return duration ? duration->count() : -1;
  };
  EXPECT_EQ(milliseconds("0"), 0);
  EXPECT_EQ(milliseconds("0s"), 0);
  EXPECT_EQ(milliseconds("30s"), 30'000);
  EXPECT_EQ(milliseconds("1m30s"), 90'000);
  EXPECT_EQ(milliseconds("500ms"), 500);
  EXPECT_EQ(milliseconds("2h"), 7'200'000);
}

TEST(DurationTest, RefusesTheRestNamingTheRule) {
  for (const char* text : {"", "30", "s", "-1s", "+1s", "1.5s", "1d", "1s ", " 1s", "99999999999h",
                           "99999999999999999999s", "8760h1ms"}) {
    const auto duration = ParseDuration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_NE(duration.error().message.find("must be"), std::string::npos);
  }
}

}  // namespace
}  // namespace downwardfs
