// SPDX-License-Identifier: Apache-2.0
#include "base/signals.h"

#include <gtest/gtest.h>
#include <pthread.h>

namespace downwardfs {
namespace {

TEST(SignalsTest, ABlockedSignalIsTakenOnce) {
  const sigset_t wanted = SignalSet({SIGUSR1, SIGUSR2});
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &wanted, &before);
  const auto signals = OpenSignals(wanted);
  ASSERT_TRUE(signals);
  EXPECT_EQ(TakeSignal(signals->get()), 0);
  raise(SIGUSR2);
  EXPECT_EQ(TakeSignal(signals->get()), SIGUSR2);
  EXPECT_EQ(TakeSignal(signals->get()), 0);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace downwardfs
