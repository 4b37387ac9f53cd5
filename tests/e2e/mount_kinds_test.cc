// SPDX-License-Identifier: Apache-2.0
// Mounts of other kinds: by an ordinary user through fusermount3, id-mapped, with an SELinux
// context.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/owned_fd.h"
#include "tests/e2e/pods.h"
#include "tests/support/kernel.h"
#include "tests/support/matchers.h"
#include "tests/support/mounted.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

class MountKindsTest : public ::testing::Test {
 protected:
  // Runs the script as uid 65534, with $0 the program, $1 the pod file, $2 the mount point, $3 a
  // pod file to put in its place. udev gives everybody the device; where it has not (a container),
  // a mount namespace of the test's own does.
  Outcome AsUser(const std::string& script) {
    std::filesystem::permissions(dir_.path(), std::filesystem::perms::all);
    EXPECT_EQ(chown(at_.c_str(), 65534, 65534), 0);
    const std::string prepare =
        "mount -t tmpfs none /mnt; mknod /mnt/fuse c 10 229; chmod 666 /mnt/fuse;"
        "mount --bind /mnt/fuse /dev/fuse;"
        "exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -c \"$SCRIPT\" \"$@\"";
    RunOptions options;
    options.env["SCRIPT"] = script;
    return RunProgram(
        {"unshare", "-m", "sh", "-ec", prepare, "sh", DOWNWARDFS_BINARY, pod_, at_, next_},
        options);
  }

  const TempDir dir_;
  const std::string pod_ = dir_.Write("pod.yaml", PodYaml("one"));
  const std::string next_ = dir_.Write("next.yaml", PodYaml("two"));
  const std::string at_ = dir_.MakeDir("mount");
};

TEST_F(MountKindsTest, AnOrdinaryUsersWritesAreRefusedAndChangeNothing) {
  ASSERT_EQ(geteuid(), 0u) << "this test changes to another user: run the tests as root";
  std::string pod = PodYaml("one");
  pod.replace(pod.find("defaultMode: 0440"), 17, "defaultMode: 0666");
  dir_.Replace("pod.yaml", pod);
  const Outcome outcome = AsUser(R"sh(
"$0" mount --pod-file "$1" --volume info "$2" || exit
cd "$2"
cat name >/dev/null
try() { (eval "$1") 2>&1 | grep -q 'Read-only file system' || echo "not refused: $1"; }
try 'mkdir d'
try 'mkdir ..2026_01_01_00_00_00.123456789'
try 'mv labels other'
try 'mv -T labels ..data'
try 'rm -f labels'
try 'rm -f ..data/labels'
try 'rmdir ..data/res'
try 'chmod 777 ..data/res'
try 'touch -h labels'
try 'ln -s x ..data_tmp'
try 'ln labels hard'
try 'echo x > new'
try 'echo x > res/cpu'
try 'cat /etc/hostname >> res/cpu'
try 'python3 -c "import os; os.setxattr(\"res/cpu\", \"user.x\", b\"y\")"'
python3 - <<'END'
import mmap, os
try:
    fd = os.open("res/cpu", os.O_RDWR)
    m = mmap.mmap(fd, 2)
    m[0:2] = b"XX"
    m.flush()
    print("written through a mapping")
except OSError as e:
    pass
END
ls; cat labels; stat -c ' %a' -L labels
for i in $(seq 100); do grep -q 15 res/cpu && break; sleep 0.1; done; cat res/cpu
cd /; fusermount3 -u "$2"
)sh");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "labels\nname\nres\napp=\"one\" 644\n15") << outcome.err;
}

TEST_F(MountKindsTest, AnOrdinaryUserGetsTheEventsToo) {
  ASSERT_EQ(geteuid(), 0u) << "this test changes to another user: run the tests as root";
  ASSERT_EQ(chown(pod_.c_str(), 65534, 65534), 0);
  const Outcome outcome = AsUser(R"sh(
"$0" mount --pod-file "$1" --volume info "$2" || exit
cat "$2/labels" > /dev/null
exec python3 - "$0" "$1" "$2" "$3" <<'END'
import ctypes, os, select, struct, subprocess, sys, time
program, pod, at, following = sys.argv[1:]
libc = ctypes.CDLL(None)
fd = libc.inotify_init()
libc.inotify_add_watch(fd, at.encode(), 0x4 | 0xc0 | 0x100 | 0x200)
old = os.readlink(at + "/..data")
open(pod, "w").write(open(following).read())
names = {0x4: "ATTRIB", 0x40: "MOVED_FROM", 0x80: "MOVED_TO", 0x100: "CREATE", 0x200: "DELETE"}
out = []
end = time.time() + 20
while time.time() < end and "DELETE old" not in out:
    if not select.select([fd], [], [], 0.1)[0]:
        continue
    data = os.read(fd, 65536)
    while data:
        wd, mask, cookie, size = struct.unpack("iIII", data[:16])
        name = data[16:16 + size].rstrip(b"\0").decode()
        data = data[16 + size:]
        name = "old" if name == old else name if name in ("..data", "..data_tmp") else "new"
        out.append(names[mask & 0xfff] + " " + name)
print("; ".join(out))
print(open(at + "/labels").read())
subprocess.run(["fusermount3", "-u", at])
END
)sh");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "CREATE new; ATTRIB new; CREATE ..data_tmp; MOVED_FROM ..data_tmp; MOVED_TO ..data; "
            "DELETE old\napp=\"two\"\n")
      << outcome.err;
}

// A user namespace whose uid 0 is `shift` outside; it lives as long as its one process.
class UserNamespace {
 public:
  explicit UserNamespace(unsigned shift) {
    // Made with its process, which must have one thread: a sanitizer's fork() may start another.
    child_ = static_cast<pid_t>(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
    EXPECT_GE(child_, 0);
    while (child_ == 0) syscall(SYS_pause);
    const std::string proc = "/proc/" + std::to_string(child_);
    for (const char* map : {"/uid_map", "/gid_map"}) {
      std::ofstream(proc + map) << "0 " << shift << " 65536";
    }
    fd_.Reset(open((proc + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  }
  ~UserNamespace() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  int fd() const { return fd_.get(); }

 private:
  pid_t child_ = -1;
  OwnedFd fd_;
};

TEST_F(MountKindsTest, AnIdMappedMountShowsShiftedOwners) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_NE(Slurp(mount / "labels"), "");  // INIT has been answered
  const UserNamespace shifted(100000);
  const OwnedFd tree(static_cast<int>(
      syscall(SYS_open_tree, AT_FDCWD, at_.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  ASSERT_TRUE(tree) << errno;
  mount_attr attr = {};
  attr.attr_set = MOUNT_ATTR_IDMAP;
  attr.userns_fd = static_cast<std::uint64_t>(shifted.fd());
  if (syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &attr, sizeof attr) != 0) {
    ASSERT_TRUE(errno == EINVAL || errno == ENOSYS) << errno;  // ENOSYS: before Linux 5.12
    ASSERT_TRUE(KernelIsOlderThan(6, 12)) << "refused, though the kernel has it";
    GTEST_SKIP() << "this kernel has no id-mapped FUSE mounts (Linux 6.12)";
  }
  struct stat st = {};
  ASSERT_EQ(fstatat(tree.get(), "labels", &st, 0), 0);
  EXPECT_EQ(st.st_uid, 100000u);
  EXPECT_EQ(st.st_gid, 100000u);
  const OwnedFd file(openat(tree.get(), "labels", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(file);
  // Updates go on, for those who read through it too.
  dir_.Replace("pod.yaml", PodYaml("two"));
  EXPECT_TRUE(Eventually([&] {
    char bytes[64];
    const OwnedFd again(openat(tree.get(), "labels", O_RDONLY | O_CLOEXEC));
    const ssize_t n = read(again.get(), bytes, sizeof bytes);
    return n > 0 && std::string(bytes, static_cast<std::size_t>(n)) == "app=\"two\"";
  }));
  EXPECT_EQ(mount.StatusField("flipsWithoutEvents"), "0");
}

TEST_F(MountKindsTest, AnSelinuxContextIsRefusedWhereThereIsNoSelinux) {
  if (access("/sys/fs/selinux/enforce", F_OK) == 0) GTEST_SKIP() << "this kernel has SELinux";
  const Outcome outcome =
      Downwardfs({"mount", "--pod-file", pod_, "--volume", "info", "--selinux-context",
                  "system_u:object_r:container_file_t:s0", at_});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("context"));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_FALSE(IsMountPoint(at_));
}

}  // namespace
}  // namespace downwardfs::testing
