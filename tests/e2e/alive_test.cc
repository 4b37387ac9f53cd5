// SPDX-License-Identifier: Apache-2.0
// The question of a probe: whether anybody serves the mount, however much of it the kernel has
// cached.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "base/owned_fd.h"
#include "tests/e2e/mount_fixture.h"

namespace downwardfs::testing {
namespace {

class AliveTest : public PodMountTest {};

TEST_F(AliveTest, TheFileIsThereWhileSomebodyServesAndNoLonger) {
  for (const char* layout : {"kubelet", "live"}) {
    const Mounted mount({"--pod-file", pod_, "--volume", "info", "--no-holder", "--layout", layout},
                        at_);
    ASSERT_TRUE(mount.ok());
    EXPECT_EQ(Slurp(mount / "..alive"), "alive\n");
    EXPECT_EQ(Slurp(mount / "..alive"), "alive\n");
    for (const auto& entry : std::filesystem::directory_iterator(at_)) {
      EXPECT_NE(entry.path().filename(), "..alive");
    }
    EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
    EXPECT_EQ(Downwardfs({"alive", at_}).exit_code, 0);
    EXPECT_EQ(Downwardfs({"alive", mount / "labels"}).exit_code, 0);
    EXPECT_EQ(access((mount / "..dead").c_str(), F_OK), -1);
    EXPECT_EQ(open((mount / "..alive").c_str(), O_WRONLY | O_CLOEXEC), -1);
    kill(mount.DaemonPid(), SIGKILL);
    EXPECT_TRUE(Eventually([&] { return access((mount / "..alive").c_str(), F_OK) != 0; }));
    EXPECT_EQ(errno, ENOTCONN);
    for (const std::string& path : {at_, mount / "labels"}) {
      const Outcome dead = Downwardfs({"alive", path});
      EXPECT_EQ(dead.exit_code, 1) << path;
      EXPECT_THAT(dead.err, HasSubstr("daemon is gone"));
    }
    umount2(at_.c_str(), MNT_DETACH);
  }
}

// As the kubelet mounts a subPath: of the volume there is one file, and `stat -f` asks for it too.
TEST_F(AliveTest, OneFileThatIsMountedOnItsOwnTellsAsWell) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info", "--no-holder", "--layout", "live"},
                      at_);
  ASSERT_TRUE(mount.ok());
  const std::string file = dir_.Write("file", "");
  ASSERT_EQ(::mount((mount / "labels").c_str(), file.c_str(), nullptr, MS_BIND, nullptr), 0);
  EXPECT_EQ(Slurp(file), "app=\"one\"");
  EXPECT_EQ(Downwardfs({"alive", file}).exit_code, 0);
  EXPECT_EQ(RunProgram({"stat", "-f", file}).exit_code, 0);
  kill(mount.DaemonPid(), SIGKILL);
  EXPECT_TRUE(Eventually([&] { return RunProgram({"stat", "-f", file}).exit_code != 0; }));
  EXPECT_EQ(Downwardfs({"alive", file}).exit_code, 1);
  umount2(file.c_str(), MNT_DETACH);
  umount2(at_.c_str(), MNT_DETACH);
}

// A reader who has the file open, and a daemon that goes on with the mount.
TEST_F(AliveTest, TheNextDaemonAnswersForItToo) {
  ASSERT_EQ(geteuid(), 0u) << "only root's mounts have a holder";
  const Mounted mount({"--pod-file", pod_, "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  const OwnedFd held(open((mount / "..alive").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(held);
  const int first = mount.DaemonPid();
  kill(first, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return mount.DaemonPid() != first; }));
  EXPECT_EQ(Slurp(mount / "..alive"), "alive\n");
  char bytes[16];
  EXPECT_EQ(pread(held.get(), bytes, sizeof bytes, 0), 6);
  EXPECT_EQ(Downwardfs({"alive", at_}).exit_code, 0);
}

TEST_F(AliveTest, AnotherKindOfPathIsNotAlive) {
  const Outcome other = Downwardfs({"alive", "/"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err, HasSubstr("not a downwardfs mount"));
}

}  // namespace
}  // namespace downwardfs::testing
