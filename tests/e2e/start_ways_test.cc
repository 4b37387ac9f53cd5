// SPDX-License-Identifier: Apache-2.0
// Mounts that mount(8) and systemd start.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/owned_fd.h"
#include "tests/e2e/pods.h"
#include "tests/support/matchers.h"
#include "tests/support/mounted.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

std::string Unit() {
  return Slurp(PROJECT_DIR "/deploy/systemd/downwardfs@.service");
}

class StartWaysTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(geteuid(), 0u) << "root mounts: run the tests as root"; }

  const TempDir dir_;
  const std::string pod_ = dir_.Write("pod.yaml", PodYaml("one"));
};

// mount(8) looks for its helpers in /sbin alone, which is another one in a namespace of the test's.
TEST_F(StartWaysTest, MountAllMountsWhatIsNotMountedYet) {
  const std::string first = dir_.MakeDir("first");
  const std::string second = dir_.MakeDir("second");
  const std::string options = " downwardfs pod-file=" + pod_ + ",volume=info,nofail 0 0\n";
  const std::string fstab =
      dir_.Write("fstab", "none " + first + options + "web-labels " + second + options);
  const std::string script = R"sh(
sbin=$(readlink -f /sbin)
mount -t tmpfs none "$sbin"
ln -s "$1" "$sbin/mount.downwardfs"
ln -s "${1%/*}/mount.fuse.downwardfs" "$sbin/mount.fuse.downwardfs"
mount -a -T "$2"
mount -a -T "$2"
cat "$3/labels" "$4/labels"
mount "$3" -T "$2" && exit 1
mount -o remount,rw "$3" 2>&1 | grep -o 'unmount it and mount it again'
umount "$3" "$4"
mount -t fuse.downwardfs none "$3" -o "pod-file=$5,volume=info"
cat "$3/labels"
umount "$3"
)sh";
  const Outcome outcome = RunProgram(
      {"unshare", "-m", "sh", "-ec", script, "sh", MOUNT_HELPER, fstab, first, second, pod_});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "app=\"one\"app=\"one\"unmount it and mount it again\napp=\"one\"");
}

// systemd takes it from the main process, which in the foreground becomes the holder.
TEST_F(StartWaysTest, SystemdIsToldByTheHolder) {
  const std::string at = dir_.MakeDir("mount");
  const std::string path = dir_ / "notify";
  const OwnedFd socket_fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ASSERT_EQ(setsockopt(socket_fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  ASSERT_EQ(bind(socket_fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);

  RunOptions options;
  options.env["NOTIFY_SOCKET"] = path;
  ASSERT_EQ(Downwardfs({"mount", "--pod-file", pod_, "--volume", "info", at}, options).exit_code,
            0);
  char text[64] = {};
  iovec part = {text, sizeof text - 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ASSERT_GT(recvmsg(socket_fd.get(), &message, 0), 0);
  EXPECT_STREQ(text, "READY=1");
  const cmsghdr* const credentials = CMSG_FIRSTHDR(&message);
  ASSERT_NE(credentials, nullptr);
  ucred sender = {};
  std::memcpy(&sender, CMSG_DATA(credentials), sizeof sender);
  const Outcome status = Downwardfs({"status", at, "--format", "json"});
  EXPECT_THAT(status.out, HasSubstr("\"holderPid\": " + std::to_string(sender.pid)));
  EXPECT_THAT(Unit(), HasSubstr("\nNotifyAccess=main\n"));
  EXPECT_EQ(umount2(at.c_str(), 0), 0);
}

// As the unit has it: the service runs in a mount namespace that shows its mounts to nobody, and
// its standard input is the machine's.
TEST_F(StartWaysTest, AConfinedServiceMountsForTheMachineAndItsDaemonStaysInside) {
  EXPECT_THAT(Unit(), HasSubstr("--mount-namespace /dev/stdin"));
  const std::string at = dir_.MakeDir("machine");
  const auto namespace_of = [](const std::string& pid) {
    return std::filesystem::read_symlink("/proc/" + pid + "/ns/mnt").string();
  };
  const Outcome outcome =
      RunProgram({"unshare", "--mount", "--propagation", "slave", "sh", "-c",
                  "exec \"$0\" mount --mount-namespace /dev/stdin --pod-file \"$1\" --volume info "
                  "\"$2\" < /proc/" +
                      std::to_string(getpid()) + "/ns/mnt",
                  DOWNWARDFS_BINARY, pod_, at});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(Slurp(at + "/labels"), "app=\"one\"");
  const auto field = [&](const std::string& key) {
    const Outcome status = Downwardfs({"status", at, "--format", "json"});
    const auto found = status.out.find("\"" + key + "\": ");
    return std::to_string(std::atoi(status.out.substr(found + key.size() + 4).c_str()));
  };
  const std::string ours = namespace_of("self");
  EXPECT_EQ(namespace_of(field("holderPid")), ours);
  EXPECT_NE(namespace_of(field("daemonPid")), ours);
  // The next daemon, and the next build's, too.
  EXPECT_EQ(Downwardfs({"upgrade", at}).exit_code, 0);
  EXPECT_NE(namespace_of(field("daemonPid")), ours);
  EXPECT_EQ(umount2(at.c_str(), 0), 0);
  const Outcome wrong = Downwardfs({"mount", "--mount-namespace", pod_, "--pod-file", pod_, at});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("is no mount namespace"));
}

TEST_F(StartWaysTest, TheUnitIsOneForSystemd) {
  if (RunProgram({"sh", "-c", "command -v systemd-analyze"}).exit_code != 0) {
    GTEST_SKIP() << "there is no systemd-analyze";
  }
  std::string unit = Unit();
  const std::string installed = "/usr/bin/downwardfs ";
  for (auto at = unit.find(installed); at != std::string::npos; at = unit.find(installed, at)) {
    unit.replace(at, installed.size(), DOWNWARDFS_BINARY " ");
    at += sizeof DOWNWARDFS_BINARY;
  }
  dir_.Write("downwardfs@.service", unit);
  const Outcome outcome =
      RunProgram({"systemd-analyze", "verify", "--man=no", dir_ / "downwardfs@test.service"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

}  // namespace
}  // namespace downwardfs::testing
