// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/restart_backoff.h"

#include <gtest/gtest.h>

namespace downwardfs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Death = RestartBackoff::Death;

class RestartBackoffTest : public ::testing::Test {
 protected:
  // One daemon's life; returns the pause after it.
  milliseconds Live(milliseconds life, bool serves, Death death) {
    backoff_.Started(now_);
    if (serves) backoff_.Served();
    now_ += life;
    const auto start = backoff_.Ended(now_, death);
    const auto pause = std::chrono::duration_cast<milliseconds>(start - now_);
    now_ = start;
    return pause;
  }
  void LiveOften(int times, bool serves, Death death) {
    for (int i = 0; i < times; ++i) Live(milliseconds(20), serves, death);
  }

  RestartBackoff backoff_;
  RestartBackoff::Time now_{seconds(1000)};
};

TEST_F(RestartBackoffTest, TheFirstDeathsAreAnsweredAtOnce) {
  for (int i = 0; i < RestartBackoff::kQuickRestarts; ++i) {
    EXPECT_EQ(Live(milliseconds(20), true, Death::kItsOwn), milliseconds(0)) << i;
  }
}

TEST_F(RestartBackoffTest, OneThatServesAndCrashesAgainAndAgainIsSlowed) {
  LiveOften(RestartBackoff::kQuickRestarts, true, Death::kItsOwn);
  for (const int pause : {50, 100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
    EXPECT_EQ(Live(milliseconds(20), true, Death::kItsOwn), milliseconds(pause));
  }
}

TEST_F(RestartBackoffTest, ThirtySecondsOfCrashesAreFewerThanForty) {
  const auto end = now_ + seconds(30);
  int deaths = 0;
  for (; now_ < end; ++deaths) Live(milliseconds(20), true, Death::kItsOwn);
  EXPECT_LT(deaths, 40);
}

TEST_F(RestartBackoffTest, OnlyALifeOfTenSecondsResetsIt) {
  LiveOften(RestartBackoff::kQuickRestarts + 8, true, Death::kItsOwn);
  EXPECT_EQ(Live(milliseconds(9999), true, Death::kItsOwn), milliseconds(5000));
  EXPECT_EQ(Live(milliseconds(10000), true, Death::kItsOwn), milliseconds(0));
  LiveOften(RestartBackoff::kQuickRestarts, true, Death::kItsOwn);
  EXPECT_EQ(Live(milliseconds(20), true, Death::kItsOwn), milliseconds(50));
}

TEST_F(RestartBackoffTest, OneThatWasKilledByOthersIsReplacedAtOnceHoweverOften) {
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(Live(milliseconds(20), true, Death::kByOthers), milliseconds(0)) << i;
  }
}

TEST_F(RestartBackoffTest, AKillFromElsewhereDoesNotExcuseTheCrashesBeforeIt) {
  LiveOften(RestartBackoff::kQuickRestarts + 1, true, Death::kItsOwn);
  LiveOften(1, true, Death::kByOthers);
  EXPECT_EQ(Live(milliseconds(20), true, Death::kItsOwn), milliseconds(100));
}

TEST_F(RestartBackoffTest, KilledBeforeTheyServeTheyAreSlowedUntilOneServes) {
  LiveOften(RestartBackoff::kQuickRestarts, false, Death::kByOthers);
  EXPECT_EQ(Live(milliseconds(20), false, Death::kByOthers), milliseconds(50));
  EXPECT_EQ(Live(milliseconds(20), true, Death::kByOthers), milliseconds(0));
  EXPECT_EQ(Live(milliseconds(20), false, Death::kByOthers), milliseconds(0));
}

}  // namespace
}  // namespace downwardfs
