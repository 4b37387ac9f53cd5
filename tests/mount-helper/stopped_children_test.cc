// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/stopped_children.h"

#include <gmock/gmock.h>

#include <csignal>

namespace downwardfs {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kStopped = (SIGSTOP << 8) | 0x7f;  // as waitpid(2) says it
constexpr int kContinued = 0xffff;
constexpr StoppedChildren::Time kStart{milliseconds(1000)};

TEST(StoppedChildrenTest, OneThatStaysStoppedIsOverdueOnce) {
  StoppedChildren children(milliseconds(500));
  EXPECT_EQ(children.WaitTime(kStart), -1);
  EXPECT_FALSE(children.Take(7, kStopped, kStart));
  EXPECT_EQ(children.WaitTime(kStart + milliseconds(100)), 400);
  EXPECT_THAT(children.TakeOverdue(kStart + milliseconds(499)), IsEmpty());
  EXPECT_THAT(children.TakeOverdue(kStart + milliseconds(500)), ElementsAre(7));
  EXPECT_THAT(children.TakeOverdue(kStart + milliseconds(900)), IsEmpty());
}

TEST(StoppedChildrenTest, OneThatGoesOnOrEndsIsNot) {
  StoppedChildren children(milliseconds(500));
  children.Take(7, kStopped, kStart);
  children.Take(8, kStopped, kStart);
  EXPECT_FALSE(children.Take(7, kContinued, kStart));
  EXPECT_TRUE(children.Take(8, SIGKILL, kStart));
  EXPECT_TRUE(children.Take(9, 0, kStart));
  EXPECT_THAT(children.TakeOverdue(kStart + milliseconds(5000)), IsEmpty());
}

TEST(StoppedChildrenTest, OneThatWasStoppedBeforeIsOverdueTooUnlessItGoesOn) {
  StoppedChildren children(milliseconds(500));
  children.TakeStopped(7, kStart);
  children.TakeStopped(8, kStart);
  children.Take(8, kContinued, kStart);
  EXPECT_THAT(children.TakeOverdue(kStart + milliseconds(500)), ElementsAre(7));
}

TEST(StoppedChildrenTest, WithoutAWatchdogNoneIsOverdue) {
  StoppedChildren children(milliseconds(0));
  children.Take(7, kStopped, kStart);
  EXPECT_EQ(children.WaitTime(kStart), -1);
  EXPECT_THAT(children.TakeOverdue(kStart + milliseconds(5000)), IsEmpty());
}

}  // namespace
}  // namespace downwardfs
