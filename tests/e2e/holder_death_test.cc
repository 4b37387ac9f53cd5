// SPDX-License-Identifier: Apache-2.0
// The processes of a mount with a holder that die at a bad moment, and what is said of it.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/owned_fd.h"
#include "mount-helper/mount_table.h"
#include "tests/e2e/ended.h"
#include "tests/e2e/mount_fixture.h"
#include "tests/support/children.h"

namespace downwardfs::testing {
namespace {

using HolderDeathTest = HeldMountTest;

TEST_F(HolderDeathTest, APublisherThatDiesInAnUpdateLosesNone) {
  for (const std::string layout : {"kubelet", "live"}) {
    dir_.Replace("pod.yaml", PodYaml("one"));
    const Mounted mount(Arguments({"--layout", layout}), at_);
    ASSERT_TRUE(mount.ok());
    EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");  // the kernel knows the names now
    const int publisher = AwaitPublisherOf(HolderPid(mount));
    ASSERT_GT(publisher, 0);
    kill(publisher, SIGSTOP);
    dir_.Replace("pod.yaml", PodYaml("two"));
    EXPECT_TRUE(Eventually([&] { return mount.StatusField("publishStuck") == "true"; }));
    kill(publisher, SIGKILL);
    EXPECT_TRUE(Eventually([&] { return Slurp(mount / "labels") == "app=\"two\""; })) << layout;
    EXPECT_TRUE(Eventually([&] { return mount.StatusField("flipsWithoutEvents") == "0"; }));
    if (layout == "live") continue;
    // The old version goes after its grace time, and with it what stale names would lead to.
    EXPECT_TRUE(Eventually([&] { return mount.StatusField("liveVersions") == "1"; }));
    EXPECT_EQ(Slurp(mount / "labels"), "app=\"two\"");
  }
}

TEST_F(HolderDeathTest, WithoutItsHolderADaemonServesUntilUmountEndsAll) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  const int holder = HolderPid(mount);
  const int publisher = AwaitPublisherOf(holder);
  const int daemon = mount.DaemonPid();
  ASSERT_GT(publisher, 0);
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
  kill(holder, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return mount.StatusField("holderPid") == "null"; }));
  EXPECT_EQ(Downwardfs({"upgrade", at_}).exit_code, 1);  // its number may be anybody's
  dir_.Replace("pod.yaml", PodYaml("two"));
  EXPECT_TRUE(Eventually([&] { return Slurp(mount / "labels") == "app=\"two\""; }));
  EXPECT_EQ(umount2(at_.c_str(), 0), 0);
  EXPECT_TRUE(Eventually([&] { return HasEnded(daemon) && HasEnded(publisher); }));
}

// A daemon that has taken over a mount is all that is left, also before it has said that it serves.
TEST_F(HolderDeathTest, ADaemonThatHasJustTakenOverOutlivesItsHolder) {
  for (int round = 0; round < 5; ++round) {
    dir_.Replace("pod.yaml", PodYaml("one"));
    const Mounted mount(Arguments(), at_);
    ASSERT_TRUE(mount.ok());
    const int holder = HolderPid(mount);
    const int first = mount.DaemonPid();
    kill(first, SIGKILL);
    int next = 0;
    while (!HasEnded(holder) && next == 0) {
      for (const int child : ChildrenOf(holder)) {
        // Before exec(2) it has what the holder has.
        if (child != first && NameOf(child) == "downwardfs" && HasOpen(child, "/dev/fuse"))
          next = child;
      }
    }
    kill(next, SIGSTOP);
    kill(holder, SIGKILL);
    EXPECT_TRUE(Eventually([&] { return HasEnded(holder); }));
    kill(next, SIGCONT);
    EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
    EXPECT_TRUE(Eventually([&] { return mount.StatusField("holderPid") == "null"; }));
    dir_.Replace("pod.yaml", PodYaml("two"));
    EXPECT_TRUE(Eventually([&] { return Slurp(mount / "labels") == "app=\"two\""; }));
    EXPECT_EQ(mount.DaemonPid(), next);
  }
}

TEST_F(HolderDeathTest, AHolderThatIsKilledBeforeTheMountIsReadyHangsNobody) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);  // the holder's end stays open over exec
  const OwnedFd reader(ready[0]);
  OwnedFd writer(ready[1]);
  const std::string fd = std::to_string(writer.get());
  const pid_t holder = fork();
  if (holder == 0) {
    execl(HOLDER_BINARY, HOLDER_BINARY, "--mount-point", at_.c_str(), "--ready-fd", fd.c_str(),
          "--", "/bin/sleep", "1000", static_cast<char*>(nullptr));
    _exit(127);
  }
  writer.Reset();
  std::vector<int> children;
  ASSERT_TRUE(Eventually([&] {
    children = ChildrenOf(holder);
    if (children.empty()) return false;
    std::ifstream comm("/proc/" + std::to_string(children[0]) + "/comm");
    std::string name;
    return std::getline(comm, name) && name == "sleep";
  }));
  kill(holder, SIGKILL);
  EXPECT_EQ(waitpid(holder, nullptr, 0), holder);
  char byte = 0;
  EXPECT_EQ(read(reader.get(), &byte, 1), 0);  // though the daemon lives
  EXPECT_EQ(kill(children[0], SIGKILL), 0);
}

TEST_F(HolderDeathTest, ADaemonThatCannotBeStartedIsSaid) {
  const Outcome outcome =
      RunProgram({HOLDER_BINARY, "--mount-point", at_, "--", "/no/such/program"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err,
            "downwardfs-holder: cannot start the daemon: /no/such/program: No such file or "
            "directory\n");
}

// SIGKILL does not end one that waits for an answer that nobody will give.
TEST_F(HolderDeathTest, APublisherThatHangsInTheKernelDoesNotKeepTheHolder) {
  const Outcome outcome =
      RunProgram({HOLDER_BINARY, "--mount-point", at_, "--", FAKE_DAEMON, "dies-asked"});
  EXPECT_EQ(outcome.exit_code, 7);
  EXPECT_FALSE(IsMountPoint(at_));
}

TEST_F(HolderDeathTest, ADaemonKnowsTheHandoverThatBroughtIt) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(mount.StatusField("lastHandoverSeconds"), "0.0");
  kill(mount.DaemonPid(), SIGKILL);
  EXPECT_TRUE(
      Eventually([&] { return std::atof(mount.StatusField("lastHandoverSeconds").c_str()) > 0; }));
  EXPECT_EQ(mount.StatusField("longestStallSeconds"), mount.StatusField("lastHandoverSeconds"));
  EXPECT_THAT(Downwardfs({"status", at_}).out, HasSubstr("\nworst stall (s): "));
}

TEST_F(HolderDeathTest, WhatSomebodyMountsOverItStays) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  const int holder = HolderPid(mount);
  ASSERT_EQ(::mount("none", at_.c_str(), "tmpfs", 0, ""), 0);
  kill(holder, SIGTERM);
  EXPECT_TRUE(Eventually([&] { return HasEnded(holder); }));
  const auto top = FindMount(at_);
  ASSERT_TRUE(top && *top);
  EXPECT_EQ((*top)->fs_type, "tmpfs");
  EXPECT_EQ(umount2(at_.c_str(), 0), 0);
  EXPECT_EQ(umount2(at_.c_str(), 0), 0);  // ours, dead
}

TEST_F(HolderDeathTest, ADeadMountInTheWayIsCalledOne) {
  const Mounted mount(Arguments({"--no-holder"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
  const int daemon = mount.DaemonPid();
  const Outcome busy = Downwardfs({"mount", "--pod-file", pod_, at_});
  EXPECT_EQ(busy.exit_code, 1);
  EXPECT_THAT(busy.err, HasSubstr("`downwardfs status " + at_ + "` shows it"));
  kill(daemon, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return HasEnded(daemon); }));
  const Outcome outcome = Downwardfs({"mount", "--pod-file", pod_, at_});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err, "downwardfs: mount point " + at_ +
                             ": busy with a mount whose daemon is gone; `downwardfs umount " + at_ +
                             "` (--lazy where it is in use) unmounts it\n");
  EXPECT_EQ(Downwardfs({"umount", at_}).exit_code, 0);
}

}  // namespace
}  // namespace downwardfs::testing
