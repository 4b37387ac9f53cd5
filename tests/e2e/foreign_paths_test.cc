// SPDX-License-Identifier: Apache-2.0
// root mounts and unmounts below a directory of an ordinary user, who puts symlinks in the way:
// root acts on the directory that was named first, and on no other.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/owned_fd.h"
#include "mount-helper/mount_identity.h"
#include "tests/e2e/api_fixture.h"
#include "tests/e2e/pods.h"
#include "tests/support/background.h"
#include "tests/support/mounted.h"

namespace downwardfs::testing {
namespace {

namespace fs = std::filesystem;

class ForeignPathsTest : public ApiTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(geteuid(), 0u) << "this test acts as root and as another user";
    fs::permissions(dir_.path(), fs::perms(0755));
    fs::create_directories(users_ + "/m");
    for (const std::string& path : {users_, users_ + "/m"}) {
      ASSERT_EQ(chown(path.c_str(), 1234, 1234), 0);
    }
  }
  void TearDown() override {
    for (const std::string& path : {victim_, users_ + "/m", users_ + "/old"}) {
      if (IsMountPoint(path)) umount2(path.c_str(), MNT_DETACH);
    }
  }
  // That user can do this at any time.
  void PutALinkInTheWay() const {
    const Outcome outcome =
        RunProgram({"setpriv", "--reuid", "1234", "--clear-groups", "sh", "-c",
                    "mv \"$0\"/m \"$0\"/old && ln -s \"$1\" \"$0\"/m", users_, victim_});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  }

  const std::string users_ = dir_.MakeDir("users");
  const std::string victim_ = dir_.MakeDir("victim");
};

TEST_F(ForeignPathsTest, AMountLandsOnTheDirectoryThatWasNamedWhateverItsPathLeadsToLater) {
  for (const std::vector<std::string>& how : std::vector<std::vector<std::string>>{
           {"--volume", "info"}, {"--volume", "info", "--no-holder"}, {"--cluster"}}) {
    SCOPED_TRACE(how.back());
    server_->Stop();  // the wait for a server is the window
    std::vector<std::string> words = how[0] == "--cluster" ? From(how) : Web(how);
    words.insert(words.begin(), "mount");
    words.push_back(users_ + "/m");
    const std::string errors = dir_ / ("stderr" + how.back());
    Background mount(words, errors);
    ASSERT_TRUE(mount.Said("downwardfs: waiting: "));
    PutALinkInTheWay();
    server_->Start();
    EXPECT_EQ(mount.Wait(0), 0) << Slurp(errors);
    EXPECT_FALSE(IsMountPoint(victim_));
    EXPECT_TRUE(IsMountPoint(users_ + "/old"));
    EXPECT_EQ(Downwardfs({"umount", users_ + "/old"}).exit_code, 0);
    ASSERT_EQ(unlink((users_ + "/m").c_str()), 0);
    fs::rename(users_ + "/old", users_ + "/m");
  }
}

// The directory that holds the mount point is moved, and a link leads elsewhere, where another
// mount has the same name.
TEST_F(ForeignPathsTest, AnUnmountEndsTheMountItselfAndNoneThatItsPathLeadsTo) {
  const std::string place = dir_.MakeDir("place");
  fs::create_directories(place + "/m");
  ASSERT_EQ(mount("none", (place + "/m").c_str(), "tmpfs", 0, nullptr), 0);
  const Mounted ours(Web({"--volume", "info"}), users_ + "/m");
  ASSERT_TRUE(ours.ok());
  const OwnedFd root(open(ours.path().c_str(), O_PATH | O_CLOEXEC));
  const auto entry = MountOf(root.get());
  ASSERT_TRUE(entry && *entry);
  fs::rename(users_, dir_ / "moved");
  fs::create_directory_symlink(place, users_);
  EXPECT_TRUE(RemoveMount((*entry)->id, (*entry)->device, MNT_DETACH));
  EXPECT_TRUE(IsMountPoint(place + "/m"));
  EXPECT_FALSE(IsMountPoint(dir_ / "moved/m"));
  EXPECT_EQ(RemoveMount((*entry)->id, (*entry)->device, MNT_DETACH).error().code,
            ErrorCode::kNotFound);
  umount2((place + "/m").c_str(), MNT_DETACH);
}

// The holder mounts anew where its mount was, though the path leads elsewhere by then.
TEST_F(ForeignPathsTest, ThePlaceOfAMountIsHeldWhileItIsMountedAnew) {
  ASSERT_EQ(mount("none", (users_ + "/m").c_str(), "tmpfs", 0, nullptr), 0);
  std::ofstream(users_ + "/below").put('x');
  const OwnedFd root(open((users_ + "/m").c_str(), O_PATH | O_CLOEXEC));
  const auto entry = MountOf(root.get());
  ASSERT_TRUE(entry && *entry);
  const auto place = PlaceOfMount((*entry)->id, (*entry)->device);
  ASSERT_TRUE(place) << place.error().message;
  ASSERT_TRUE(RemoveMount((*entry)->id, (*entry)->device, MNT_DETACH));
  fs::rename(users_, dir_ / "moved");
  fs::create_directory_symlink(victim_, users_);
  const OwnedFd below = OpenDirectoryAt(*place);
  ASSERT_TRUE(below);
  EXPECT_EQ(*PathOfDescriptor(below.get()), dir_ / "moved/m");
  fs::remove(dir_ / "moved/m");
  fs::create_directory_symlink(victim_, dir_ / "moved/m");
  EXPECT_FALSE(OpenDirectoryAt(*place)) << "a link is not followed";
}

// The path of the log file is walked once, by the command, and not by each daemon again: neither by
// one of the directory's owner, nor by root's, where everybody may write.
TEST_F(ForeignPathsTest, ALaterDaemonLogsNowhereElseAndServesWithoutItsLog) {
  const std::string log = users_ + "/log";
  const std::string pod = dir_.Write("pod.yaml", PodYaml("one"));
  const std::string secret = dir_.Write("victim/file", "root's\n");
  for (const auto mode : {fs::perms(0755), fs::perms(0777)}) {
    SCOPED_TRACE(static_cast<unsigned>(mode));
    fs::permissions(users_, mode);
    const Mounted mount({"--pod-file", pod, "--volume", "info", "--log-file", log}, users_ + "/m");
    ASSERT_TRUE(mount.ok());
    ASSERT_TRUE(fs::exists(log));
    const Outcome outcome =
        RunProgram({"setpriv", "--reuid", "1234", "--clear-groups", "sh", "-c",
                    "rm -f \"$0\"/log && ln -s \"$1\"/file \"$0\"/log", users_, victim_});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    ASSERT_EQ(kill(mount.DaemonPid(), SIGKILL), 0);
    EXPECT_TRUE(Eventually([&] { return mount.StatusField("deaths") == "1"; }));
    EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
    EXPECT_EQ(Slurp(secret), "root's\n");
    fs::remove(log);
  }
}

}  // namespace
}  // namespace downwardfs::testing
