// SPDX-License-Identifier: Apache-2.0
// Mount points that are something else already: a trigger of autofs, another mount.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/file.h"
#include "base/owned_fd.h"
#include "tests/e2e/ended.h"
#include "tests/e2e/mount_fixture.h"
#include "tests/support/background.h"
#include "tests/support/children.h"

namespace downwardfs::testing {
namespace {

using OverMountsTest = AnyMountTest;

TEST_P(OverMountsTest, AnotherMountIsBusyUnlessTheFlagIsGiven) {
  ASSERT_EQ(mount("none", at_.c_str(), "tmpfs", 0, nullptr), 0);
  dir_.Write("mount/below", "below");
  std::vector<std::string> words = More({at_});
  words.insert(words.begin(), "mount");
  const Outcome refused = Downwardfs(words);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("tmpfs is mounted there already (--over-mounts"));
  {
    const Mounted mount(More({"--over-mounts"}), at_);
    ASSERT_TRUE(mount.ok());
    EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
    dir_.Replace("pod.yaml", PodYaml("two"));
    EXPECT_TRUE(Eventually([&] { return Slurp(mount / "labels") == "app=\"two\""; }));
  }
  EXPECT_EQ(Slurp(at_ + "/below"), "below");
  EXPECT_EQ(umount2(at_.c_str(), 0), 0);
}

// The automounter is a process group that nobody serves here: a process that sets off its trigger
// waits for ever.
TEST_P(OverMountsTest, ATriggerOfAutofsIsMountedOverAndNotSetOff) {
  const pid_t automounter = fork();
  if (automounter == 0) {
    setpgid(0, 0);
    pause();
    _exit(0);
  }
  setpgid(automounter, automounter);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const OwnedFd reader(ends[0]);
  OwnedFd writer(ends[1]);
  const std::string data = "fd=" + std::to_string(writer.get()) +
                           ",pgrp=" + std::to_string(automounter) + ",minproto=5,maxproto=5,direct";
  ASSERT_EQ(mount("auto", at_.c_str(), "autofs", 0, data.c_str()), 0) << errno;
  for (const char* const slash : {"", "/"}) {
    std::vector<std::string> words = More({at_ + slash});
    words.insert(words.begin(), "mount");
    const Outcome outcome = Downwardfs(words);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(Slurp(at_ + "/labels"), "app=\"one\"");
    EXPECT_EQ(umount2(at_.c_str(), MNT_DETACH), 0);
  }
  EXPECT_EQ(umount2(at_.c_str(), MNT_DETACH), 0);
  kill(automounter, SIGKILL);
  waitpid(automounter, nullptr, 0);
}

// Both have looked before either mounts.
TEST_P(OverMountsTest, OfTwoStartsAtOnePlaceOneMounts) {
  const std::string fifo = dir_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::vector<std::string> words = {"mount", "--pod-file", fifo, "--volume", "info"};
  if (GetParam()) words.emplace_back("--no-holder");
  words.push_back(at_);
  Background late(words, dir_ / "errors");
  OwnedFd writer;
  ASSERT_TRUE(Eventually([&] {
    writer.Reset(open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    return static_cast<bool>(writer);
  }));
  const Mounted mount(More(), at_);
  ASSERT_TRUE(mount.ok());
  ASSERT_TRUE(WriteAll(writer.get(), PodYaml("two"), fifo));
  writer.Reset();
  EXPECT_EQ(late.Wait(0), 1);
  EXPECT_TRUE(late.Said("busy: something else was mounted there meanwhile"));
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
  EXPECT_EQ(umount2(at_.c_str(), 0), 0);
  EXPECT_FALSE(IsMountPoint(at_));
}

// Whatever the moment: there is a mount that is served, or none.
TEST_P(OverMountsTest, AStartThatIsKilledLeavesNoDeadMount) {
  // A process that is to end while LeakSanitizer looks at it spins for ever.
  const std::string no_leaks = "ASAN_OPTIONS=detect_leaks=0:halt_on_error=1";
  for (int round = 0; round < 10; ++round) {
    std::vector<std::string> words = {no_leaks, DOWNWARDFS_BINARY, "mount"};
    for (const std::string& word : More({at_})) words.push_back(word);
    Background start(words, dir_ / "errors", "/usr/bin/env");
    while (!IsMountPoint(at_) && !HasEnded(start.pid())) {
    }
    // The holder, or the one process.
    for (const int child : ChildrenOf(start.pid())) kill(child, SIGKILL);
    if (start.Wait(0) != 0) {
      EXPECT_FALSE(IsMountPoint(at_)) << round;
    }
    umount2(at_.c_str(), MNT_DETACH);
  }
}

INSTANTIATE_TEST_SUITE_P(HeldAndAlone, OverMountsTest, ::testing::Bool());

}  // namespace
}  // namespace downwardfs::testing
