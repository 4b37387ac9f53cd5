// SPDX-License-Identifier: Apache-2.0
// Real programs, started by the real runner.
#include "client/config/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "base/worker_thread.h"
#include "tests/client/temp_dir.h"

namespace downwardfs::client {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

ProcessSpec Shell(const std::string& script) {
  ProcessSpec spec;
  spec.path = "/bin/sh";
  spec.argv = {"sh", "-c", script};
  spec.environment = ProcessRunner::Real().Environment();
  return spec;
}

Result<ProcessOutput> RunToEnd(const ProcessSpec& spec) {
  const CancelFlag cancel;
  return ProcessRunner::Real().Run(spec, cancel);
}

TEST(ProcessTest, ReturnsBothStreamsAndTheExitCode) {
  const auto output = RunToEnd(Shell("echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out, "out\n");
  EXPECT_EQ(output->err, "err\n");
  EXPECT_EQ(output->exit_code, 7);
}

TEST(ProcessTest, ASignalShowsInTheExitCode) {
  EXPECT_EQ(RunToEnd(Shell("kill -TERM $$"))->exit_code, 128 + SIGTERM);
}

TEST(ProcessTest, ArgumentsAndEnvironmentPassAsTheyAre) {
  ProcessSpec spec;
  spec.path = "/usr/bin/env";
  spec.argv = {"env"};
  spec.environment = {"A=$(id) ; *", "B="};
  EXPECT_EQ(RunToEnd(spec)->out, "A=$(id) ; *\nB=\n");
}

TEST(ProcessTest, StartsWithoutInputOtherDescriptorsOrBlockedSignals) {
  std::string out;
  std::string descriptors;
  signal(SIGPIPE, SIG_IGN);
  // A worker thread blocks all signals; its programs must not.
  WorkerThread worker("exec", [&] {
    // Asked of a program that the shell becomes: the shell itself opens pipes and blocks signals
    // for moments. ls has a fourth descriptor, for the directory.
    const auto output = RunToEnd(
        Shell("readlink /proc/self/fd/0; ps -o pgid= -p $$ | tr -d ' ' | grep -x $$ > /dev/null &&"
              " echo leader; exec grep -E 'Sig(Blk|Ign)' /proc/self/status"));
    const auto list = RunToEnd(Shell("exec ls /proc/self/fd"));
    if (list) descriptors = list->out;
    if (output) out = output->out;
  });
  worker.Join();
  signal(SIGPIPE, SIG_DFL);
  EXPECT_THAT(out, testing::StartsWith("/dev/null\nleader\n"));
  EXPECT_THAT(out, HasSubstr("SigBlk:\t0000000000000000"));
  // glibc leaves its own two signals, 32 and 33, ignored.
  EXPECT_THAT(out, testing::ContainsRegex("SigIgn:\t0000000[01][08]0000000\n"));
  EXPECT_EQ(descriptors, "0\n1\n2\n3\n");
}

TEST(ProcessTest, AnInteractiveProgramReadsOurInputInOurGroup) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  ASSERT_EQ(write(fds[1], "password\n", 9), 9);
  const OwnedFd saved(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  dup2(fds[0], STDIN_FILENO);
  ProcessSpec spec = Shell("read answer; echo got $answer; ps -o pgid= -p $$ | tr -d ' '");
  spec.interactive = true;
  const auto output = RunToEnd(spec);
  dup2(saved.get(), STDIN_FILENO);
  close(fds[0]);
  close(fds[1]);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out, "got password\n" + std::to_string(getpgrp()) + "\n");
}

TEST(ProcessTest, MuchOutputOnBothStreamsDoesNotBlock) {
  ProcessSpec spec = Shell("head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero; echo end >&2");
  const auto output = RunToEnd(spec);
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->out.size(), 300000u);
  EXPECT_LE(output->err.size(), 65536u);
  EXPECT_THAT(output->err, testing::EndsWith("end\n"));
  spec.max_output = 1000;
  EXPECT_EQ(RunToEnd(spec).error().code, ErrorCode::kResourceExhausted);
}

// True once the process is dead (a zombie until init reaps it, which not every container's does).
bool Dies(pid_t pid) {
  for (int i = 0; i < 1000000; ++i) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string skipped, state;
    if (!(stat >> skipped >> skipped >> state) || state == "Z" || state == "X") return true;
    sched_yield();
  }
  return false;
}

TEST(ProcessTest, AHangingProgramIsKilledWithItsWholeGroup) {
  const TempDir dir;
  ProcessSpec spec = Shell("sleep 1000 & echo $! > " + dir.Path("pid") + "; wait");
  spec.timeout = milliseconds(300);
  const auto output = RunToEnd(spec);
  EXPECT_EQ(output.error().code, ErrorCode::kDeadlineExceeded);
  pid_t grandchild = 0;
  std::ifstream(dir.Path("pid")) >> grandchild;
  ASSERT_GT(grandchild, 1);
  EXPECT_TRUE(Dies(grandchild));
}

TEST(ProcessTest, AGrandchildThatKeepsThePipesOpenDoesNotDelayTheAnswer) {
  const TempDir dir;
  const auto output =
      RunToEnd(Shell("sleep 1000 & echo $! > " + dir.Path("pid") + "; echo answer"));
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out, "answer\n");
  pid_t left = 0;
  std::ifstream(dir.Path("pid")) >> left;
  ASSERT_GT(left, 1);
  EXPECT_EQ(kill(left, SIGKILL), 0);  // a plugin may leave an agent behind: we did not kill it
}

TEST(ProcessTest, CancelEndsARun) {
  CancelFlag cancel;
  Result<ProcessOutput> output;
  WorkerThread worker("exec",
                      [&] { output = ProcessRunner::Real().Run(Shell("sleep 1000"), cancel); });
  cancel.Set();
  worker.Join();
  EXPECT_EQ(output.error().code, ErrorCode::kCancelled);
}

TEST(ProcessTest, AProgramThatCannotBeRunIsAnError) {
  ProcessSpec spec = Shell("");
  spec.path = "/nonexistent";
  EXPECT_EQ(RunToEnd(spec).error().code, ErrorCode::kNotFound);
  spec.path = "/etc/passwd";
  EXPECT_EQ(RunToEnd(spec).error().code, ErrorCode::kPermissionDenied);
}

TEST(ProcessTest, FindLooksAtThePath) {
  EXPECT_THAT(ProcessRunner::Real().Find("sh"), testing::EndsWith("/sh"));
  EXPECT_EQ(ProcessRunner::Real().Find("/bin/sh"), "/bin/sh");
  EXPECT_EQ(ProcessRunner::Real().Find("/etc/passwd"), "");
  EXPECT_EQ(ProcessRunner::Real().Find("no-such-program-here"), "");
}

}  // namespace
}  // namespace downwardfs::client
