// SPDX-License-Identifier: Apache-2.0
// Mounts with a holder: who runs with what rights, and how they end.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/owned_fd.h"
#include "tests/e2e/ended.h"
#include "tests/e2e/mount_fixture.h"

namespace downwardfs::testing {
namespace {

class HolderTest : public HeldMountTest {
 protected:
  static std::string StatusOf(int pid) { return Slurp("/proc/" + std::to_string(pid) + "/status"); }
  // Waits for the daemon of `generation`, or a later one: a short watchdog may find a daemon silent
  // that only waits for the processor.
  static bool Generation(const Mounted& mount, int generation) {
    return Eventually(
        [&] { return std::atoi(mount.StatusField("generation").c_str()) >= generation; });
  }
};

TEST_F(HolderTest, TheDaemonHasNoRightsAndTheHolderIsSmall) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_THAT(StatusOf(mount.DaemonPid()),
              AllOf(HasSubstr("CapPrm:\t0000000000000000"), HasSubstr("CapEff:\t0000000000000000"),
                    HasSubstr("CapBnd:\t0000000000000000"), HasSubstr("CapInh:\t0000000000000000"),
                    HasSubstr("CapAmb:\t0000000000000000"), HasSubstr("NoNewPrivs:\t1")));
  const std::string task = "/proc/" + std::to_string(HolderPid(mount)) + "/task";
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(task), {}), 1);
}

// As in `downwardfs mount ... | tee log`: nothing of the mount keeps the pipe open.
TEST_F(HolderTest, APipeOfTheCommandEndsWhenTheMountIsReady) {
  const Outcome outcome =
      RunProgram({"sh", "-c", "\"$0\" mount --pod-file \"$1\" --volume info \"$2\" 2>&1 | cat",
                  DOWNWARDFS_BINARY, pod_, at_});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(Slurp(at_ + "/labels"), "app=\"one\"");
  EXPECT_EQ(umount2(at_.c_str(), 0), 0);
}

TEST_F(HolderTest, TheDaemonMayBeAnybodyWhoCanReadItsInputs) {
  const Mounted mount(Arguments({"--run-as", "65534:65534"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_THAT(StatusOf(mount.DaemonPid()), HasSubstr("Uid:\t65534\t65534\t65534\t65534"));
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
  dir_.Replace("pod.yaml", PodYaml("two"));
  std::filesystem::permissions(pod_, std::filesystem::perms(0644));
  EXPECT_TRUE(Eventually([&] { return Slurp(mount / "labels") == "app=\"two\""; }));
  EXPECT_EQ(mount.StatusField("flipsWithoutEvents"), "0");
}

TEST_F(HolderTest, ADaemonThatIsKilledIsFollowedByAnotherThatKnowsAll) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  const OwnedFd held(open((mount / "..data").c_str(), O_RDONLY | O_DIRECTORY));
  kill(mount.DaemonPid(), SIGKILL);
  dir_.Replace("pod.yaml", PodYaml("two"));
  EXPECT_TRUE(Eventually([&] { return Slurp(mount / "labels") == "app=\"two\""; }));
  EXPECT_EQ(mount.StatusField("deaths"), "1");
  kill(mount.DaemonPid(), SIGKILL);
  const OwnedFd file(openat(held.get(), "labels", O_RDONLY));
  char bytes[64];
  EXPECT_EQ(std::string(bytes, static_cast<std::size_t>(read(file.get(), bytes, 64))),
            "app=\"one\"");
  EXPECT_TRUE(Generation(mount, 3));
}

TEST_F(HolderTest, ADaemonThatHangsIsKilledByTheWatchdog) {
  const Mounted mount(Arguments({"--watchdog", "300"}), at_);
  ASSERT_TRUE(mount.ok());
  kill(mount.DaemonPid(), SIGSTOP);
  EXPECT_TRUE(Generation(mount, 2));
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
}

TEST_F(HolderTest, AnotherBuildTakesOver) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  const int holder = HolderPid(mount);
  const Outcome upgrade = Downwardfs({"upgrade", at_});
  EXPECT_EQ(upgrade.exit_code, 0) << upgrade.err;
  EXPECT_EQ(mount.StatusField("generation"), "2");
  EXPECT_EQ(mount.StatusField("deaths"), "0");
  EXPECT_EQ(HolderPid(mount), holder);  // exec keeps the process
  dir_.Replace("pod.yaml", PodYaml("two"));
  EXPECT_TRUE(Eventually([&] { return Slurp(mount / "labels") == "app=\"two\""; }));
  const Outcome alone = Downwardfs({"upgrade", dir_.path()});
  EXPECT_EQ(alone.exit_code, 1);
  EXPECT_THAT(alone.err, HasSubstr("not a downwardfs mount"));
}

TEST_F(HolderTest, SigtermToEitherUnmountsAndEndsAll) {
  for (const bool to_holder : {true, false}) {
    const Mounted mount(Arguments(), at_);
    ASSERT_TRUE(mount.ok());
    const int holder = HolderPid(mount);
    const int daemon = mount.DaemonPid();
    kill(to_holder ? holder : daemon, SIGTERM);
    EXPECT_TRUE(Eventually([&] { return !IsMountPoint(at_); }));
    EXPECT_TRUE(Eventually([&] { return HasEnded(holder) && HasEnded(daemon); }));
  }
}

TEST_F(HolderTest, UmountEndsAllWhateverTheDaemonDoes) {
  enum class Daemon { kAlive, kDead, kHung };
  for (const Daemon state : {Daemon::kAlive, Daemon::kDead, Daemon::kHung}) {
    const Mounted mount(Arguments(), at_);
    ASSERT_TRUE(mount.ok());
    const int holder = HolderPid(mount);
    const int daemon = mount.DaemonPid();
    if (state == Daemon::kDead) kill(daemon, SIGKILL);
    if (state == Daemon::kHung) kill(daemon, SIGSTOP);
    EXPECT_EQ(umount2(at_.c_str(), 0), 0);
    EXPECT_FALSE(IsMountPoint(at_));
    EXPECT_TRUE(Eventually([&] { return HasEnded(holder) && HasEnded(daemon); }))
        << static_cast<int>(state);
  }
}

// The memory may be damaged by a bug; then no mount is better than a wrong one.
TEST_F(HolderTest, ADamagedMemoryIsRefusedAndTheVolumeMountedAnew) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  const int holder = HolderPid(mount);
  std::string memory;
  for (const auto& fd :
       std::filesystem::directory_iterator("/proc/" + std::to_string(holder) + "/fd")) {
    std::error_code ignored;
    const auto target = std::filesystem::read_symlink(fd.path(), ignored).string();
    if (target.find("downwardfs-handover") != std::string::npos) memory = fd.path();
  }
  ASSERT_NE(memory, "");
  const OwnedFd file(open(memory.c_str(), O_RDWR));
  const std::string garbage(64, '#');
  constexpr off_t kFirstRecords = 4096 + 8 * 12288;
  ASSERT_EQ(pwrite(file.get(), garbage.data(), garbage.size(), kFirstRecords), 64);
  kill(mount.DaemonPid(), SIGKILL);
  EXPECT_TRUE(Eventually([&] {
    std::ifstream labels(mount / "labels");
    std::string text;
    return std::getline(labels, text) && text == "app=\"one\"";
  }));
  EXPECT_EQ(HolderPid(mount), holder);
}

TEST_F(HolderTest, WithoutAHolderOneProcessServes) {
  const Mounted mount(Arguments({"--no-holder"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(mount.StatusField("holderPid"), "null");
  EXPECT_EQ(Downwardfs({"upgrade", at_}).exit_code, 1);
}

TEST_F(HolderTest, ADaemonThatBreaksTheProtocolIsEndedAndNothingIsMounted) {
  for (const std::string way : {"silent", "garbage", "empty", "large", "protocol", "foreign",
                                "closes", "long", "dies-mounted"}) {
    const Outcome outcome =
        RunProgram({HOLDER_BINARY, "--mount-point", at_, "--", FAKE_DAEMON, way});
    const int expected = way == "silent" ? 0 : way == "dies-mounted" ? 7 : -1;
    if (expected >= 0) {
      EXPECT_EQ(outcome.exit_code, expected) << way;
    } else {
      EXPECT_NE(outcome.exit_code, 0) << way;
    }
    EXPECT_FALSE(IsMountPoint(at_)) << way;
  }
}

TEST_F(HolderTest, WhatIsWrongAtTheStartIsSaidAndNothingStays) {
  const Outcome outcome = Downwardfs({"mount", "--pod-file", "/nope", at_});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err, "downwardfs: /nope: No such file or directory\n");
  EXPECT_FALSE(IsMountPoint(at_));
}

}  // namespace
}  // namespace downwardfs::testing
