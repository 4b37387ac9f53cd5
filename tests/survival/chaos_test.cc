// SPDX-License-Identifier: Apache-2.0
// The short form; `tests/chaos --kills 200` is the long one.
#include "tests/survival/chaos.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

namespace downwardfs::testing {
namespace {

void ExpectSurvival(const ChaosOptions& options) {
  ASSERT_EQ(geteuid(), 0u) << "only root's mounts have a holder";
  const ChaosResult result = RunChaos(options);
  std::printf("%s\n", Summary(result).c_str());
  EXPECT_EQ(result.failures, 0) << result.texts;
  EXPECT_TRUE(result.final_state_seen);
  EXPECT_GT(result.rounds, 0);
}

TEST(ChaosTest, ReadersDoNotSeeTheDaemonDie) {
  ExpectSurvival({});
}

TEST(ChaosTest, NorInTheLiveLayout) {
  for (const bool resend : {true, false}) {
    ChaosOptions options;
    options.live = true;
    options.resend = resend;
    options.kills = 10;
    ExpectSurvival(options);
  }
}

TEST(ChaosTest, NorWhereTheKernelCannotSendRequestsAgain) {
  ChaosOptions options;
  options.resend = false;
  ExpectSurvival(options);
}

}  // namespace
}  // namespace downwardfs::testing
