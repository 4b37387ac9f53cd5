// SPDX-License-Identifier: Apache-2.0
// A mount as its users see it: layout, modes, read-only, attributes, start and end.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/e2e/pods.h"
#include "tests/support/matchers.h"
#include "tests/support/mounted.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

class MountTest : public ::testing::Test {
 protected:
  std::vector<std::string> Volume() const {
    return {"--pod-file", dir_ / "pod.yaml", "--volume", "info"};
  }

  const TempDir dir_;
  const std::string pod_ = dir_.Write("pod.yaml", PodYaml("one"));
  const std::string at_ = dir_.MakeDir("mount");
};

std::string Xattr(const std::string& path, const char* name) {
  char value[256];
  const ssize_t n = getxattr(path.c_str(), name, value, sizeof value);
  return n < 0 ? "errno " + std::to_string(errno) : std::string(value, static_cast<std::size_t>(n));
}

std::uint32_t Mode(const std::string& path) {
  struct stat st = {};
  EXPECT_EQ(lstat(path.c_str(), &st), 0) << path;
  return st.st_mode;
}

TEST_F(MountTest, HasTheLayoutOfTheKubeletsVolume) {
  const Mounted mount(Volume(), at_);
  ASSERT_TRUE(mount.ok());
  const std::string data = std::filesystem::read_symlink(mount / "..data");
  EXPECT_THAT(data, MatchesRegex("\\.\\.[0-9]{4}(_[0-9][0-9]){5}\\.[0-9]{9,10}"));
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(at_)) {
    names.push_back(entry.path().filename());
  }
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("..data", data, "labels", "name", "res"));
  EXPECT_EQ(std::filesystem::read_symlink(mount / "labels"), "..data/labels");
  EXPECT_EQ(std::filesystem::read_symlink(mount / "res"), "..data/res");
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
  EXPECT_EQ(Slurp(mount / "name"), "web");
  EXPECT_EQ(Slurp(mount / "res/cpu"), "15");
  EXPECT_EQ(Mode(at_), static_cast<std::uint32_t>(S_IFDIR | 01777));
  EXPECT_EQ(Mode(mount / data), static_cast<std::uint32_t>(S_IFDIR | 0755));
  EXPECT_EQ(Mode(mount / "..data/labels"), static_cast<std::uint32_t>(S_IFREG | 0440));
  EXPECT_EQ(Mode(mount / "..data/name"), static_cast<std::uint32_t>(S_IFREG | 0400));
  EXPECT_EQ(Mode(mount / "..data/res"), static_cast<std::uint32_t>(S_IFDIR | 0755));
}

// Rule: KEP-5936, the file and the link that leads to it. In both layouts, and with items.
TEST_F(MountTest, FilesAndLinksBelongToTheirUsers) {
  const std::string items = dir_.Write("items.yaml", R"(defaultUser: 1000
items:
- {path: labels, fieldRef: {fieldPath: metadata.labels}}
- {path: dir/name, user: 2000, mode: 0400, fieldRef: {fieldPath: metadata.name}}
)");
  const auto owner = [&](const std::string& name) {
    struct stat st = {};
    EXPECT_EQ(lstat((at_ + "/" + name).c_str(), &st), 0) << name;
    return st.st_uid;
  };
  for (const char* const layout : {"kubelet", "live"}) {
    SCOPED_TRACE(layout);
    const Mounted mount({"--pod-file", pod_, "--items", items, "--layout", layout}, at_);
    ASSERT_TRUE(mount.ok());
    EXPECT_EQ(owner("labels"), 1000U);
    EXPECT_EQ(owner("dir/name"), 2000U);
    if (std::string_view(layout) == "live") continue;
    EXPECT_EQ(owner("..data/labels"), 1000U);
    EXPECT_EQ(owner("dir"), 2000U);
    EXPECT_EQ(owner("..data/dir"), geteuid());
    EXPECT_EQ(owner("..data"), geteuid());
  }
}

TEST_F(MountTest, EveryWriteIsRefusedAsReadOnly) {
  const Mounted mount(Volume(), at_);
  ASSERT_TRUE(mount.ok());
  const std::string file = mount / "labels";
  const auto refused = [](int result) { return result == -1 && errno == EROFS; };
  EXPECT_TRUE(refused(open(file.c_str(), O_WRONLY)));
  EXPECT_TRUE(refused(open((mount / "new").c_str(), O_CREAT | O_WRONLY, 0600)));
  EXPECT_TRUE(refused(unlink(file.c_str())));
  EXPECT_TRUE(refused(rename(file.c_str(), (mount / "other").c_str())));
  EXPECT_TRUE(refused(chmod(file.c_str(), 0777)));
  EXPECT_TRUE(refused(chown(file.c_str(), 1, 1)));
  EXPECT_TRUE(refused(truncate(file.c_str(), 0)));
  EXPECT_TRUE(refused(mkdir((mount / "d").c_str(), 0700)));
  EXPECT_TRUE(refused(rmdir((mount / "..data/res").c_str())));
  EXPECT_TRUE(refused(symlink("x", (mount / "..data_tmp").c_str())));
  EXPECT_TRUE(refused(link(file.c_str(), (mount / "hard").c_str())));
  EXPECT_TRUE(refused(setxattr(file.c_str(), "user.x", "y", 1, 0)));
  struct statvfs st = {};
  ASSERT_EQ(statvfs(at_.c_str(), &st), 0);
  EXPECT_EQ(st.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC),
            static_cast<unsigned long>(ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC));
  EXPECT_EQ(st.f_files - st.f_ffree, 3u);
  EXPECT_EQ(st.f_namemax, 255u);
}

TEST_F(MountTest, ExtendedAttributesSayWhereAFileComesFrom) {
  const Mounted mount(Volume(), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Xattr(mount / "labels", "user.downwardfs.source"), "metadata.labels");
  EXPECT_EQ(Xattr(mount / "res/cpu", "user.downwardfs.source"), "requests.cpu of main");
  EXPECT_EQ(Xattr(mount / "labels", "user.downwardfs.resourceVersion"), "41");
  EXPECT_EQ(Xattr(mount / "labels", "user.none"), "errno " + std::to_string(ENODATA));
  char names[256];
  const ssize_t n = listxattr((mount / "labels").c_str(), names, sizeof names);
  ASSERT_GT(n, 0);
  EXPECT_EQ(std::string(names, static_cast<std::size_t>(n)),
            std::string("user.downwardfs.source\0user.downwardfs.resourceVersion\0", 55));
  char one = 0;
  EXPECT_EQ(getxattr((mount / "labels").c_str(), "user.downwardfs.source", &one, 1), -1);
  EXPECT_EQ(errno, ERANGE);
}

TEST_F(MountTest, WarmReadsCostNoRequest) {
  const Mounted mount(Volume(), at_);
  ASSERT_TRUE(mount.ok());
  Slurp(mount / "labels");
  Slurp(mount / "labels");
  const auto counters = [&] {
    const Outcome status = Downwardfs({"status", at_, "--format", "json"});
    const auto from = status.out.find("\"requests\"");
    return status.out.substr(from, status.out.find('}', from) - from);
  };
  // The kernel may drop its caches at any moment, so that one round may cost a few; not each.
  std::string before;
  std::string after;
  for (int round = 0; round < 5 && (round == 0 || after != before); ++round) {
    Slurp(mount / "labels");
    before = counters();
    for (int i = 0; i < 100; ++i) Slurp(mount / "labels");
    after = counters();
  }
  EXPECT_EQ(after, before);
}

TEST_F(MountTest, ALongListingIsCompleteInSmallPieces) {
  std::string pod = PodYaml("x");
  for (int i = 0; i < 2000; ++i) {
    pod.insert(pod.find("  annotations:\n"), "    l" + std::to_string(i) + ": v\n");
  }
  dir_.Replace("pod.yaml", pod);
  const Mounted mount({"--pod-file", pod_}, at_);  // the full view: labels.d has one file per label
  ASSERT_TRUE(mount.ok());
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(mount / "labels.d")) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  EXPECT_EQ(files, 2001u);
  EXPECT_EQ(Slurp(mount / "labels.d/l1999"), "v");
}

TEST_F(MountTest, TheFullViewShowsTheWholePod) {
  const Mounted mount({"--pod-file", pod_}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "podName"), "web");
  EXPECT_EQ(Slurp(mount / "namespace"), "default");
  EXPECT_EQ(Slurp(mount / "nodeName"), "node1");
  EXPECT_EQ(Slurp(mount / "podIP"), "");
  EXPECT_EQ(Slurp(mount / "annotations.d/note"), "say \"hi\"");
  EXPECT_EQ(Slurp(mount / "containers/main/requests.cpu"), "15m");
  EXPECT_THAT(Slurp(mount / "pod.yaml"), HasSubstr("name: web"));
  EXPECT_THAT(Slurp(mount / "pod.json"), HasSubstr("\"name\": \"web\""));
}

TEST_F(MountTest, FsGroupGivesGroupAndModes) {
  std::vector<std::string> arguments = Volume();
  arguments.insert(arguments.end(), {"--fs-group", "4242"});
  const Mounted mount(arguments, at_);
  ASSERT_TRUE(mount.ok());
  struct stat st = {};
  ASSERT_EQ(stat((mount / "name").c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, 4242u);
  EXPECT_EQ(st.st_mode & 07777, 0440u);
  EXPECT_EQ(Mode(at_) & 07777, 03777u);
  EXPECT_EQ(Mode(mount / "..data/res") & 07777, 02755u);
}

TEST_F(MountTest, SigtermUnmountsAndEndsTheDaemon) {
  const Mounted mount(Volume(), at_);
  ASSERT_TRUE(mount.ok());
  const int daemon = mount.DaemonPid();
  ASSERT_GT(daemon, 0);
  kill(daemon, SIGTERM);
  EXPECT_TRUE(Eventually([&] { return !IsMountPoint(at_); }));
  EXPECT_TRUE(Eventually([&] { return kill(daemon, 0) == -1; }));
}

TEST_F(MountTest, UmountEndsTheDaemon) {
  const Mounted mount(Volume(), at_);
  ASSERT_TRUE(mount.ok());
  const int daemon = mount.DaemonPid();
  EXPECT_EQ(umount(at_.c_str()), 0);
  EXPECT_TRUE(Eventually([&] { return kill(daemon, 0) == -1; }));
}

TEST_F(MountTest, ForegroundStaysUntilItIsUnmounted) {
  std::vector<std::string> arguments = Volume();
  arguments.insert(arguments.begin(), {"mount", "-f"});
  arguments.push_back(at_);
  const pid_t child = fork();
  if (child == 0) {
    const Outcome outcome = Downwardfs(arguments);
    _exit(outcome.exit_code);
  }
  EXPECT_TRUE(Eventually([&] { return IsMountPoint(at_); }));
  EXPECT_EQ(Slurp(at_ + "/name"), "web");
  EXPECT_EQ(umount(at_.c_str()), 0);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(MountTest, AnOrdinaryUserMountsThroughFusermount3) {
  ASSERT_EQ(geteuid(), 0u) << "this test changes to another user: run the tests as root";
  constexpr unsigned kUser = 65534;
  std::filesystem::permissions(dir_.path(), std::filesystem::perms::all);
  std::filesystem::permissions(pod_, std::filesystem::perms::all);
  ASSERT_EQ(chown(at_.c_str(), kUser, kUser), 0);
  // udev gives everybody the device; where it has not (a container), a mount namespace of the
  // test's own does.
  const Outcome outcome =
      RunProgram({"unshare", "-m", "sh", "-ec",
                  "mount -t tmpfs none /mnt; mknod /mnt/fuse c 10 229; chmod 666 /mnt/fuse;"
                  "mount --bind /mnt/fuse /dev/fuse;"
                  "exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -ec '"
                  "\"$0\" mount --pod-file \"$1\" --volume info \"$2\"; cat \"$2/labels\";"
                  "stat -c \" %u:%g\" \"$2/labels\"; \"$0\" status \"$2\" | grep connected;"
                  "fusermount3 -u \"$2\"; ls \"$2\"' \"$0\" \"$1\" \"$2\"",
                  DOWNWARDFS_BINARY, pod_, at_});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "app=\"one\" 65534:65534\nconnected:       true\n");
}

TEST_F(MountTest, StatusOfWhatIsNoMountOrHasNoDaemon) {
  Outcome status = Downwardfs({"status", at_});
  EXPECT_EQ(status.exit_code, 1);
  EXPECT_EQ(status.err, "downwardfs: " + at_ + ": not a downwardfs mount\n");
  std::vector<std::string> alone = Volume();
  alone.emplace_back("--no-holder");  // with one the daemon would be there again
  const Mounted mount(alone, at_);
  ASSERT_TRUE(mount.ok());
  kill(mount.DaemonPid(), SIGKILL);
  EXPECT_TRUE(Eventually([&] {
    status = Downwardfs({"status", at_});
    return status.exit_code == 1;
  }));
  EXPECT_THAT(status.err, HasSubstr("the mount's daemon is gone"));
  EXPECT_EQ(umount(at_.c_str()), 0);
}

}  // namespace
}  // namespace downwardfs::testing
