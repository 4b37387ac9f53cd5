// SPDX-License-Identifier: Apache-2.0
// Which failures of a stream reach the log.
#include "client/watch/fault_log.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_clock.h"

namespace downwardfs::client {
namespace {

using std::chrono::seconds;

class FaultLogTest : public testing::Test {
 protected:
  bool Failed(std::string_view message) { return log_.Failed(message, clock_.Steady()); }
  bool FailedAfter(seconds time, std::string_view message) {
    clock_.Advance(time);
    return Failed(message);
  }
  bool Runs() { return log_.Runs(clock_.Steady()); }
  FakeClock clock_;
  FaultLog log_{seconds(120)};
};

TEST_F(FaultLogTest, AReasonThatComesBackIsToldOnce) {
  EXPECT_TRUE(Failed("the connection broke within event 7"));
  EXPECT_TRUE(Runs());
  for (int i = 0; i < 50; ++i) {
    clock_.Advance(seconds(1));
    EXPECT_FALSE(Failed("the connection broke within event " + std::to_string(i)));
    EXPECT_FALSE(Runs());
  }
  EXPECT_TRUE(Failed("unauthorized"));
  EXPECT_FALSE(Failed("the connection broke within event 9"));
  EXPECT_TRUE(Runs());
}

TEST_F(FaultLogTest, AReasonIsNewAgainAfterAGoodTime) {
  EXPECT_TRUE(Failed("broken"));
  EXPECT_TRUE(Runs());
  EXPECT_FALSE(FailedAfter(seconds(119), "broken"));
  EXPECT_FALSE(Runs());
  EXPECT_TRUE(FailedAfter(seconds(120), "broken"));
}

TEST_F(FaultLogTest, WatchesThatFollowEachOtherAreOneGoodTime) {
  EXPECT_TRUE(Failed("broken"));
  EXPECT_TRUE(Runs());
  clock_.Advance(seconds(60));
  EXPECT_FALSE(Runs());
  EXPECT_TRUE(FailedAfter(seconds(60), "broken"));
}

TEST_F(FaultLogTest, TheLogDoesNotEndWithARecoveryWhileNothingIsFollowed) {
  EXPECT_TRUE(Failed("away"));
  EXPECT_TRUE(Runs());
  EXPECT_FALSE(Failed("away"));
  EXPECT_FALSE(FailedAfter(seconds(59), "away"));
  EXPECT_TRUE(FailedAfter(seconds(1), "away"));
  EXPECT_FALSE(FailedAfter(seconds(3600), "away"));  // an hour of it is one line
  EXPECT_TRUE(Runs());
}

TEST_F(FaultLogTest, EndlesslyManyReasonsAreNotKept) {
  std::string reason = "a";
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(Failed(reason += 'a'));
}

}  // namespace
}  // namespace downwardfs::client
