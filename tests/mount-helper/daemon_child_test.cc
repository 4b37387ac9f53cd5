// SPDX-License-Identifier: Apache-2.0
// A DaemonChild with a real program as its daemon.
#include "mount-helper/daemon_child.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>

namespace downwardfs {
namespace {

class DaemonChildTest : public ::testing::Test {
 protected:
  // Starts `times` daemons one after another; each one serves before it ends.
  static void LiveAndDie(DaemonChild& daemon, int times, int signal) {
    for (int i = 0; i < times; ++i) {
      ASSERT_TRUE(daemon.Start());
      daemon.Serving();
      if (signal != 0) kill(daemon.pid(), signal);
      int status = 0;
      ASSERT_EQ(waitpid(daemon.pid(), &status, 0), daemon.pid());
      daemon.Ended(status);
    }
  }
  static DaemonChild::Options Program(const std::string& program) {
    DaemonChild::Options options;
    options.command = {"/bin/sh", "-c", program};
    return options;
  }
};

// The pause is 5 s by then, so that a slow machine sees most of it.
TEST_F(DaemonChildTest, CrashesAgainAndAgainAreSlowedAlsoWhereEachDaemonServed) {
  DaemonChild daemon(Program("exit 1"));
  LiveAndDie(daemon, RestartBackoff::kQuickRestarts + 8, 0);
  EXPECT_EQ(daemon.figures().deaths, 28U);
  EXPECT_GT(daemon.WaitTime(false), 0);
}

TEST_F(DaemonChildTest, OneThatSomebodyKillsIsStartedAtOnce) {
  DaemonChild daemon(Program("exec sleep 1000"));
  LiveAndDie(daemon, RestartBackoff::kQuickRestarts + 8, SIGKILL);
  EXPECT_EQ(daemon.figures().deaths, 28U);
  EXPECT_EQ(daemon.WaitTime(false), 0);
}

TEST_F(DaemonChildTest, OneThatIsKilledForAFaultOfItsOwnCounts) {
  DaemonChild daemon(Program("exec sleep 1000"));
  for (int i = 0; i < RestartBackoff::kQuickRestarts + 8; ++i) {
    ASSERT_TRUE(daemon.Start());
    daemon.Serving();
    daemon.Kill();
    int status = 0;
    ASSERT_EQ(waitpid(daemon.pid(), &status, 0), daemon.pid());
    daemon.Ended(status);
  }
  EXPECT_GT(daemon.WaitTime(false), 0);
}

}  // namespace
}  // namespace downwardfs
