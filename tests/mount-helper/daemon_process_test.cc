// SPDX-License-Identifier: Apache-2.0
// The daemon as a real process: what it is started with, and how it ends.
#include "mount-helper/daemon_process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "base/file.h"

namespace downwardfs {
namespace {

ForkedDaemons Shell(const std::string& program) {
  DaemonOptions options;
  options.command = {"/bin/bash", "-c", program};
  return ForkedDaemons(std::move(options));
}

// The bytes that the daemon writes to its end of the channel.
std::string Read(const OwnedFd& channel) {
  pollfd ready = {channel.get(), POLLIN, 0};
  if (poll(&ready, 1, 60000) != 1) return "nothing";
  char bytes[64];
  const ssize_t n = recv(channel.get(), bytes, sizeof bytes, 0);
  return {bytes, static_cast<std::size_t>(n > 0 ? n : 0)};
}

// Started, and its program has said "ready"; 0 otherwise.
pid_t StartReady(ForkedDaemons& daemons) {
  const auto started = daemons.Start();
  return started && Read(started->channel) == "ready" ? started->pid : 0;
}

TEST(DaemonProcessTest, TheDaemonHasItsEndOfTheChannelAndNoCapability) {
  ForkedDaemons daemons = Shell(
      "read -r _ bounding < <(grep CapEff /proc/self/status); "
      "printf '%s' \"$bounding\" >&\"$DOWNWARDFS_HOLDER_FD\"; exec sleep 1000");
  auto started = daemons.Start();
  ASSERT_TRUE(started);
  EXPECT_EQ(Read(started->channel), "0000000000000000");
  daemons.Kill(started->pid);
  int status = 0;
  ASSERT_EQ(waitpid(started->pid, &status, 0), started->pid);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_EQ(Read(started->channel), "");  // closed
}

TEST(DaemonProcessTest, WhenMemoryRunsOutTheDaemonEndsBeforeItsParent) {
  const int ours = std::stoi(ReadFile("/proc/self/oom_score_adj").value_or("0"));
  ForkedDaemons daemons =
      Shell("cat /proc/self/oom_score_adj >&\"$DOWNWARDFS_HOLDER_FD\"; exec sleep 1000");
  auto started = daemons.Start();
  ASSERT_TRUE(started);
  EXPECT_EQ(std::stoi(Read(started->channel)), std::min(ours + 100, 1000));
  daemons.Kill(started->pid);
  waitpid(started->pid, nullptr, 0);
}

// The files of a process that may not be dumped are root's, and the supervisor is not root.
TEST(DaemonProcessTest, SoItDoesBelowAParentWithoutRightsThatForbidsDumps) {
  const pid_t parent = fork();
  if (parent == 0) {
    if (setresgid(1234, 1234, 1234) != 0 || setresuid(1234, 1234, 1234) != 0) _exit(3);
    const int ours = std::stoi(ReadFile("/proc/self/oom_score_adj").value_or("0"));
    prctl(PR_SET_DUMPABLE, 0);
    ForkedDaemons daemons =
        Shell("cat /proc/self/oom_score_adj >&\"$DOWNWARDFS_HOLDER_FD\"; exec sleep 1000");
    auto started = daemons.Start();
    if (!started) _exit(2);
    const bool more = Read(started->channel) == std::to_string(std::min(ours + 100, 1000)) + "\n";
    daemons.Kill(started->pid);
    waitpid(started->pid, nullptr, 0);
    _exit(more ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(parent, &status, 0), parent);
  EXPECT_EQ(status, 0);
}

TEST(DaemonProcessTest, ADaemonThatIsAskedToEndSaysHow) {
  ForkedDaemons daemons = Shell(
      "trap 'exit 4' TERM; printf ready >&\"$DOWNWARDFS_HOLDER_FD\"; "
      "while :; do sleep 0.05; done");
  const pid_t pid = StartReady(daemons);
  ASSERT_GT(pid, 0);
  EXPECT_EQ(daemons.End(pid), 4);
}

TEST(DaemonProcessTest, ADaemonThatWillNotEndIsKilled) {
  ForkedDaemons daemons =
      Shell("trap '' TERM; printf ready >&\"$DOWNWARDFS_HOLDER_FD\"; exec sleep 1000");
  const pid_t pid = StartReady(daemons);
  ASSERT_GT(pid, 0);
  EXPECT_EQ(daemons.End(pid), 1);
  EXPECT_EQ(kill(pid, 0), -1);
}

}  // namespace
}  // namespace downwardfs
