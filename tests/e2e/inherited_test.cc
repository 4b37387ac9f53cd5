// SPDX-License-Identifier: Apache-2.0
// A mount holds nothing of its caller's for as long as it is there: no open file, no directory.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/e2e/mount_fixture.h"

namespace downwardfs::testing {
namespace {

class InheritedTest : public HeldMountTest, public ::testing::WithParamInterface<bool> {
 protected:
  void TearDown() override { umount2(at_.c_str(), MNT_DETACH); }

  // Runs the script with the command of a mount as its arguments.
  Outcome Run(const std::string& script, std::vector<std::string> mount) {
    if (GetParam()) mount.insert(mount.begin(), "--no-holder");
    mount.insert(mount.begin(), {"bash", "-ec", script, "sh", DOWNWARDFS_BINARY, "mount"});
    return RunProgram(mount);
  }
  void ExpectChangesAreShown(const std::string& file, const std::string& label) {
    dir_.Replace(file, PodYaml(label));
    EXPECT_TRUE(Eventually([&] { return Slurp(at_ + "/labels") == "app=\"" + label + "\""; }));
  }
  std::string StatusField(const std::string& key) const {
    const Outcome outcome = Downwardfs({"status", at_, "--format", "json"});
    const auto at = outcome.out.find("\"" + key + "\": ");
    return at == std::string::npos ? "" : outcome.out.substr(at + key.size() + 4, 20);
  }
};

TEST_P(InheritedTest, ALockOfTheCallerIsFreeWhenTheCallerIsGone) {
  const std::string lock = dir_.Write("lock", "");
  const Outcome outcome = Run("exec 9<" + lock + "; flock 9; exec \"$@\"", Arguments({at_}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(RunProgram({"flock", "-n", lock, "true"}).exit_code, 0);
}

TEST_P(InheritedTest, APipeOfTheCallerEnds) {
  // cat ends once nobody has the pipe open, which is descriptor 37 too.
  const Outcome outcome = Run(R"({ exec 37>&1; "$@"; } | cat)", Arguments({at_}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(IsMountPoint(at_));
}

TEST_P(InheritedTest, TheFileSystemThatTheCallerStandsInCanBeUnmounted) {
  const std::string disk = dir_.MakeDir("disk");
  ASSERT_EQ(mount("none", disk.c_str(), "tmpfs", 0, nullptr), 0);
  const Outcome outcome = Run("cd " + disk + "; exec 8>file; exec \"$@\"", Arguments({at_}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(umount2(disk.c_str(), 0), 0) << "busy";
  umount2(disk.c_str(), MNT_DETACH);
  ExpectChangesAreShown("pod.yaml", "two");
}

TEST_P(InheritedTest, RelativePathsAreThoseOfTheCallerForEachDaemon) {
  const std::string here = dir_.MakeDir("here");
  dir_.Write("items.yaml", "items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]");
  const Outcome outcome =
      Run("cd " + here + "; exec \"$@\"",
          {"--pod-file", "../pod.yaml", "--items=../items.yaml", "--log-file", "log", "../mount"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  ExpectChangesAreShown("pod.yaml", "two");
  if (!GetParam()) {
    const std::string before = StatusField("daemonPid");
    ASSERT_EQ(kill(std::atoi(before.c_str()), SIGKILL), 0);
    EXPECT_TRUE(Eventually([&] { return StatusField("deaths").rfind('1', 0) == 0; }));
    ExpectChangesAreShown("pod.yaml", "three");
  }
  EXPECT_TRUE(std::filesystem::exists(here + "/log"));
}

TEST_P(InheritedTest, AnInputMayBeAPipeOfTheCallersAndIsClosedOnceItIsRead) {
  const Outcome outcome =
      Run(R"("$@" --pod-file <(cat ")" + pod_ + "\") \"" + at_ + "\"", {"--volume", "info"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(Slurp(at_ + "/labels"), "app=\"one\"");
  // bash names it /dev/fd/63.
  for (const char* const pid : {"daemonPid", "holderPid"}) {
    const int number = std::atoi(StatusField(pid).c_str());
    if (number == 0) continue;
    const std::string proc = "/proc/" + std::to_string(number);
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(proc + "/fd/63"))) << pid;
    EXPECT_EQ(std::filesystem::read_symlink(proc + "/cwd"), "/") << pid;
  }
}

INSTANTIATE_TEST_SUITE_P(HeldAndAlone, InheritedTest, ::testing::Bool());

}  // namespace
}  // namespace downwardfs::testing
