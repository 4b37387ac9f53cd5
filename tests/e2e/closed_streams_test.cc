// SPDX-License-Identifier: Apache-2.0
// Callers that have closed standard input, output or error: the next file that a program opens
// would get that number, and be taken for the stream.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "tests/e2e/mount_fixture.h"

namespace downwardfs::testing {
namespace {

constexpr int kAllWays = 8;
constexpr int kOutput = 2;

// Runs `argv` with the streams closed that `closed` has a bit for.
Outcome RunClosed(int closed, std::vector<std::string> argv) {
  std::string script = R"(exec "$@")";
  if ((closed & 1) != 0) script += " <&-";
  if ((closed & kOutput) != 0) script += " >&-";
  if ((closed & 4) != 0) script += " 2>&-";
  argv.insert(argv.begin(), {"sh", "-c", script, "sh"});
  return RunProgram(argv);
}

struct Case {
  std::vector<std::string> argv;
  int exit_code = 0;
  bool prints = false;  // and so fails if nobody can get it
};

class ClosedStreamsTest : public HeldMountTest, public ::testing::WithParamInterface<int> {
 protected:
  void ExpectServedAndEnded(const std::vector<std::string>& mount, const std::string& pid_field) {
    const Outcome outcome = RunClosed(GetParam(), mount);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(Slurp(at_ + "/labels"), "app=\"one\"");
    dir_.Replace("pod.yaml", PodYaml("two"));
    EXPECT_TRUE(Eventually([&] { return Slurp(at_ + "/labels") == "app=\"two\""; }));
    dir_.Replace("pod.yaml", PodYaml("one"));
    EXPECT_TRUE(Eventually([&] { return Slurp(at_ + "/labels") == "app=\"one\""; }));
    const Outcome status = Downwardfs({"status", at_, "--format", "json"});
    const auto at = status.out.find("\"" + pid_field + "\": ");
    ASSERT_NE(at, std::string::npos) << status.out << status.err;
    const int pid = std::atoi(status.out.c_str() + at + pid_field.size() + 4);
    for (const int fd : {0, 1, 2}) {
      std::error_code error;
      const auto link = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
      EXPECT_EQ(std::filesystem::read_symlink(link, error), "/dev/null") << fd;
    }
    ASSERT_EQ(kill(pid, SIGTERM), 0);
    EXPECT_TRUE(Eventually([&] { return !IsMountPoint(at_); }));
  }
};

std::string Csi() {
  return std::filesystem::path(HOLDER_BINARY).parent_path() / "downwardfs-csi";
}

// All that do nothing but print.
std::vector<std::vector<std::string>> Printers(const std::string& pod) {
  return {
      {DOWNWARDFS_BINARY, "render", "--pod-file", pod, "--volume", "info"},
      {DOWNWARDFS_BINARY, "render", "--pod-file", pod, "--field", "metadata.name"},
      {DOWNWARDFS_BINARY, "env", "--pod-file", pod, "--format", "json"},
      {DOWNWARDFS_BINARY, "completion", "bash"},
      {DOWNWARDFS_BINARY, "man"},
      {DOWNWARDFS_BINARY, "--help"},
      {DOWNWARDFS_BINARY, "--version"},
      {DOWNWARDFS_BINARY, "mount", "--help"},
      {DOWNWARDFS_BINARY, "status", "--version"},
      {HOLDER_BINARY, "--help"},
      {HOLDER_BINARY, "--version"},
      {Csi(), "--help"},
      {Csi(), "--version"},
      {MOUNT_HELPER, "--help"},
      {MOUNT_HELPER, "--version"},
  };
}

TEST_P(ClosedStreamsTest, EachCommandEndsAsItWouldWithThem) {
  const std::string csi = Csi();
  const std::string to = dir_.MakeDir("to");
  std::vector<Case> cases = {
      {{DOWNWARDFS_BINARY, "exec", "--pod-file", pod_, "--", "true"}},
      {{DOWNWARDFS_BINARY, "write", "--once", "--pod-file", pod_, "--to", to}},
      {{DOWNWARDFS_BINARY, "status", at_}, 1},
      {{DOWNWARDFS_BINARY, "umount", at_}, 1},
      {{DOWNWARDFS_BINARY, "upgrade", at_}, 1},
      {{DOWNWARDFS_BINARY, "csi", "--probe", "--endpoint", "unix://" + (dir_ / "s")}, 1},
      {{DOWNWARDFS_BINARY, "mount"}, 2},
      {{HOLDER_BINARY}, 2},
      {{HOLDER_BINARY, "--probe", dir_ / "s"}, 1},
      {{csi}, 2},
      {{MOUNT_HELPER, "none"}, 1},
      {{MOUNT_HELPER, "none", at_, "-f", "-o", "pod-file=" + pod_}},
  };
  for (const auto& argv : Printers(pod_)) cases.push_back({argv, 0, true});
  for (const Case& one : cases) {
    const bool lost = one.prints && (GetParam() & kOutput) != 0;
    const Outcome outcome = RunClosed(GetParam(), one.argv);
    EXPECT_EQ(outcome.exit_code, lost ? 1 : one.exit_code)
        << one.argv[0] << " " << (one.argv.size() > 1 ? one.argv[1] : "") << outcome.err;
  }
  EXPECT_EQ(Slurp(to + "/labels"), "app=\"one\"");
}

TEST_P(ClosedStreamsTest, AMountIsServedAndHeedsSigterm) {
  std::vector<std::string> mount = Arguments({at_});
  mount.insert(mount.begin(), {DOWNWARDFS_BINARY, "mount"});
  ExpectServedAndEnded(mount, "holderPid");
  mount.insert(mount.begin() + 2, "--no-holder");
  ExpectServedAndEnded(mount, "daemonPid");
  ExpectServedAndEnded({MOUNT_HELPER, "none", at_, "-o", "volume=info,pod-file=" + pod_},
                       "daemonPid");
}

TEST_P(ClosedStreamsTest, WithoutStandardInputNoPodIsRead) {
  const Outcome outcome = RunClosed(
      GetParam() | 1, {DOWNWARDFS_BINARY, "mount", "--pod-file", "-", "--volume", "info", at_});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_FALSE(IsMountPoint(at_));
}

// Nobody must take an empty file for the answer.
TEST_F(HeldMountTest, AnOutputThatCannotBeWrittenIsOneLine) {
  for (const auto& argv : Printers(pod_)) {
    std::vector<std::string> words = {"sh", "-c", R"("$@" > /dev/full)", "sh"};
    words.insert(words.end(), argv.begin(), argv.end());
    const Outcome outcome = RunProgram(words);
    EXPECT_EQ(outcome.exit_code, 1) << argv[0] << " " << argv[1];
    EXPECT_THAT(outcome.err, HasSubstr("standard output: No space left on device")) << argv[1];
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
}

INSTANTIATE_TEST_SUITE_P(AllWays, ClosedStreamsTest, ::testing::Range(0, kAllWays));

}  // namespace
}  // namespace downwardfs::testing
