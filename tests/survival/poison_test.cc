// SPDX-License-Identifier: Apache-2.0
// A request that every daemon dies of is answered EIO after the third, and all else is served.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "tests/support/mounted.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

class PoisonTest : public ::testing::TestWithParam<bool> {};

TEST_P(PoisonTest, TheThirdDeathIsTheLast) {
  ASSERT_EQ(geteuid(), 0u) << "only root's mounts have a holder";
  const TempDir dir;
  const std::string at = dir.MakeDir("mount");
  const pid_t holder = fork();
  if (holder == 0) {
    const char* const ways[] = {"--watchdog", "0", "--no-resend"};
    const bool resend = GetParam();
    execl(HOLDER_BINARY, HOLDER_BINARY, "--mount-point", at.c_str(), ways[0], ways[1],
          resend ? "--" : ways[2], resend ? POISONED_DAEMON : "--",
          resend ? static_cast<char*>(nullptr) : POISONED_DAEMON, static_cast<char*>(nullptr));
    _exit(127);
  }
  ASSERT_TRUE(Eventually([&] { return IsMountPoint(at); }));
  EXPECT_EQ(Slurp(at + "/a"), "content");

  int why = 0;
  std::thread asker([&] {
    char status[64];
    errno = 0;
    if (getxattr(at.c_str(), "user.downwardfs.status", status, sizeof status) < 0) why = errno;
  });
  asker.join();
  EXPECT_EQ(why, EIO);
  EXPECT_EQ(Slurp(at + "/a"), "content");
  EXPECT_EQ(umount2(at.c_str(), 0), 0);
  int status = 0;
  EXPECT_EQ(waitpid(holder, &status, 0), holder);
}

INSTANTIATE_TEST_SUITE_P(BothWays, PoisonTest, ::testing::Bool());

}  // namespace
}  // namespace downwardfs::testing
