// SPDX-License-Identifier: Apache-2.0
#include "base/stoppable_thread.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <atomic>
#include <string>

namespace downwardfs {
namespace {

class StoppableThreadTest : public ::testing::Test {
 protected:
  // A thread that waits for `input_` until it is stopped, and notes both.
  StoppableThread Waiting() {
    auto thread = StoppableThread::Start("waiting", [this](int stop) {
      while (AwaitInput(input_.get(), stop)) {
        eventfd_t got = 0;
        eventfd_read(input_.get(), &got);
        taken_ += got;
        taken_.notify_all();
      }
      ++ended_;
    });
    EXPECT_TRUE(thread) << thread.error().message;
    return std::move(*thread);
  }
  void Give() const { eventfd_write(input_.get(), 1); }

  const OwnedFd input_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<int> ended_{0};
};

TEST_F(StoppableThreadTest, TakesInputUntilItsOwnerGoes) {
  {
    const StoppableThread thread = Waiting();
    Give();
    taken_.wait(0);
    EXPECT_EQ(ended_, 0);
  }
  EXPECT_EQ(taken_, 1u);
  EXPECT_EQ(ended_, 1);
}

TEST_F(StoppableThreadTest, MayBeStoppedEarlierAndTwice) {
  StoppableThread thread = Waiting();
  thread.Stop();
  EXPECT_EQ(ended_, 1);
  thread.Stop();
  StoppableThread none;
  none.Stop();
  EXPECT_EQ(ended_, 1);
}

TEST_F(StoppableThreadTest, OneThatTakesThePlaceOfAnotherEndsIt) {
  StoppableThread thread = Waiting();
  thread = Waiting();
  EXPECT_EQ(ended_, 1);
  Give();
  taken_.wait(0);
  thread.Stop();
  EXPECT_EQ(ended_, 2);
}

TEST_F(StoppableThreadTest, StoppingComesBeforeInputThatIsThere) {
  Give();
  const OwnedFd stop(eventfd(1, EFD_CLOEXEC));
  EXPECT_FALSE(AwaitInput(input_.get(), stop.get()));
  EXPECT_TRUE(IsToStop(stop.get(), 0));
  eventfd_t word = 0;
  eventfd_read(stop.get(), &word);
  EXPECT_TRUE(AwaitInput(input_.get(), stop.get()));
  EXPECT_FALSE(IsToStop(stop.get(), 0));
}

}  // namespace
}  // namespace downwardfs
