// SPDX-License-Identifier: Apache-2.0
// The waiting of a command for a server: its ends, and what it says meanwhile.
#include "sources/answer_wait.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include "base/worker_thread.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;

AnswerWait For(std::optional<milliseconds> limit, int stop_fd = -1) {
  auto waiting = AnswerWait::Begin("https://server", limit, stop_fd);
  EXPECT_TRUE(waiting) << waiting.error().message;
  return std::move(*waiting);
}

TEST(AnswerWaitTest, AChangeBeforeOrWhileItWaitsEndsTheWaiting) {
  const AnswerWait waiting = For(std::nullopt);
  waiting.Wake();
  EXPECT_TRUE(waiting.NextUntil(AnswerWait::Time::max()));
  const WorkerThread change("change", [&] { waiting.Wake(); });
  EXPECT_TRUE(waiting.NextUntil(AnswerWait::Time::max()));
}

TEST(AnswerWaitTest, OnceWaitHasPassedItFailsWithTheLastReason) {
  AnswerWait waiting = For(milliseconds(1));
  EXPECT_TRUE(waiting.NextUntil(waiting.deadline()));
  const auto silent = waiting.Next();
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(silent.error().message, "gave up after --wait: no answer from https://server");
  waiting.Say("connection refused");
  EXPECT_EQ(waiting.Next().error().message, "gave up after --wait: connection refused");
}

TEST(AnswerWaitTest, WithoutALimitOrWithTheFirstAnswerItNeverPasses) {
  EXPECT_EQ(For(std::nullopt).deadline(), AnswerWait::Time::max());
  EXPECT_EQ(For(milliseconds(0)).deadline(), AnswerWait::Time::max());
}

TEST(AnswerWaitTest, AStopComesBeforeAChange) {
  OwnedFd stop(eventfd(0, EFD_CLOEXEC));
  const AnswerWait waiting = For(std::nullopt, stop.get());
  EXPECT_FALSE(waiting.IsStopped());
  eventfd_write(stop.get(), 1);
  stop.Reset();  // it has its own
  waiting.Wake();
  EXPECT_TRUE(waiting.IsStopped());
  const auto stopped = waiting.Next();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(stopped.error().message,
            "stopped by a signal while waiting: no answer from https://server");
}

TEST(AnswerWaitTest, AReasonIsSaidWhenItIsNew) {
  AnswerWait waiting = For(std::nullopt);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(waiting.Say(""), "");  // it has not waited for long
  EXPECT_EQ(waiting.Say("refused"), "refused");
  EXPECT_EQ(waiting.Say("refused"), "");
  EXPECT_EQ(waiting.Say(""), "");
  EXPECT_EQ(waiting.Say("no such pod"), "no such pod");
  EXPECT_EQ(waiting.Say("refused"), "refused");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "downwardfs: waiting: refused\ndownwardfs: waiting: no such pod\n"
            "downwardfs: waiting: refused\n");
}

}  // namespace
}  // namespace downwardfs
