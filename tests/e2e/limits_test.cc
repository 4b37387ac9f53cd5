// SPDX-License-Identifier: Apache-2.0
// Starts under limits that are too small, mounts that are moved, logs that are rotated, and what
// df(1) says.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/e2e/mount_fixture.h"

namespace downwardfs::testing {
namespace {

class LimitsTest : public AnyMountTest {
 protected:
  void SetUp() override {
    HeldMountTest::SetUp();
    if (!WITHOUT_SANITIZER) GTEST_SKIP() << "a sanitizer has memory and descriptors of its own";
  }
  // Says all through a pipe: a limit may be about files.
  Outcome MountUnder(const std::string& limit) {
    std::vector<std::string> words = More({at_});
    words.insert(words.begin(),
                 {"bash", "-c", "{ (ulimit " + limit + R"( && exec "$@") 2>&1 >&3 3>&- | cat >&2
                                 exit ${PIPESTATUS[0]}; } 3>&1)",
                  "sh", DOWNWARDFS_BINARY, "mount"});
    return RunProgram(words);
  }
};

TEST_P(LimitsTest, AStartWithTooFewDescriptorsSaysSoAndLeavesNoMount) {
  for (const int limit : {5, 8, 11, 12, 13, 14, 17, 23, 63}) {
    const Outcome outcome = MountUnder("-n " + std::to_string(limit));
    EXPECT_EQ(outcome.exit_code, 1) << limit;
    EXPECT_THAT(outcome.err, HasSubstr("ulimit -n")) << limit;
    EXPECT_FALSE(IsMountPoint(at_)) << limit;
    umount2(at_.c_str(), MNT_DETACH);
  }
  EXPECT_EQ(MountUnder("-n 64").exit_code, 0);
  EXPECT_EQ(Slurp(at_ + "/labels"), "app=\"one\"");
  EXPECT_EQ(umount2(at_.c_str(), MNT_DETACH), 0);
}

TEST_P(LimitsTest, AStartWithTooLittleMemorySaysSoOrSucceeds) {
  for (const int kilobytes : {45000, 60000, 90000, 120000, 170000, 190000}) {
    const Outcome outcome = MountUnder("-v " + std::to_string(kilobytes));
    if (outcome.exit_code == 0) {
      EXPECT_EQ(Slurp(at_ + "/labels"), "app=\"one\"");
      EXPECT_EQ(umount2(at_.c_str(), MNT_DETACH), 0);
      continue;
    }
    EXPECT_EQ(outcome.exit_code, 1) << kilobytes;
    EXPECT_THAT(outcome.err, HasSubstr("ulimit -v")) << kilobytes;
    EXPECT_FALSE(IsMountPoint(at_)) << kilobytes;
    umount2(at_.c_str(), MNT_DETACH);
  }
}

TEST_P(LimitsTest, OtherLimitsThatAreTooSmallSaySo) {
  for (const char* const limit : {"-s 64", "-f 0"}) {
    const Outcome outcome = MountUnder(limit);
    // A mount without a holder makes no file.
    if (outcome.exit_code != 0) {
      EXPECT_EQ(outcome.exit_code, 1) << limit;
      EXPECT_THAT(outcome.err, HasSubstr("ulimit " + std::string(limit, 2))) << limit;
    }
    EXPECT_EQ(IsMountPoint(at_), outcome.exit_code == 0) << limit;
    umount2(at_.c_str(), MNT_DETACH);
  }
}

TEST_P(LimitsTest, AMovedMountShowsItsNewPath) {
  // A mount below a shared one cannot be moved.
  const std::string top = dir_.MakeDir("top");
  ASSERT_EQ(mount("none", top.c_str(), "tmpfs", 0, nullptr), 0);
  ASSERT_EQ(mount(nullptr, top.c_str(), nullptr, MS_PRIVATE, nullptr), 0);
  const std::string old_place = dir_.MakeDir("top/old");
  const std::string new_place = dir_.MakeDir("top/new");
  {
    const Mounted mount(More(), old_place);
    ASSERT_TRUE(mount.ok());
    ASSERT_EQ(::mount(old_place.c_str(), new_place.c_str(), nullptr, MS_MOVE, nullptr), 0);
    const Outcome status = Downwardfs({"status", new_place, "--format", "json"});
    EXPECT_THAT(status.out, HasSubstr("\"mountPoint\": \"" + new_place + "\""));
    EXPECT_EQ(umount2(new_place.c_str(), 0), 0);
  }
  EXPECT_EQ(umount2(top.c_str(), MNT_DETACH), 0);
}

TEST_P(LimitsTest, ARotatedLogIsContinuedInTheNewFileAndSigusr1EndsNobody) {
  const std::string log = dir_ / "log";
  const Mounted mount(More({"--log-file", log}), at_);
  ASSERT_TRUE(mount.ok());
  const auto break_and_mend = [&] {
    dir_.Replace("pod.yaml", "[");
    EXPECT_TRUE(Eventually([&] { return mount.StatusField("connected") == "false"; }));
    dir_.Replace("pod.yaml", PodYaml("one"));
    EXPECT_TRUE(Eventually([&] { return mount.StatusField("connected") == "true"; }));
  };
  break_and_mend();
  EXPECT_THAT(Slurp(log), HasSubstr("cannot be used"));
  std::filesystem::rename(log, log + ".1");
  for (const char* const pid : {"daemonPid", "holderPid"}) {
    const int number = std::atoi(mount.StatusField(pid).c_str());
    if (number > 1) {
      EXPECT_EQ(kill(number, SIGUSR1), 0);
    }
  }
  break_and_mend();
  EXPECT_THAT(Slurp(log), HasSubstr("cannot be used"));
  EXPECT_EQ(mount.StatusField("deaths"), "0");
}

TEST_P(LimitsTest, ALogThatIsAFifoWithoutAReaderHoldsUpNothing) {
  const std::string log = dir_ / "log";
  ASSERT_EQ(mkfifo(log.c_str(), 0600), 0);
  std::vector<std::string> words = More({"--log-file", log, at_});
  words.insert(words.begin(), "mount");
  const Outcome outcome = Downwardfs(words);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("a FIFO that nobody reads"));
  EXPECT_FALSE(IsMountPoint(at_));
}

// A later daemon has no right but the owner's.
TEST_P(LimitsTest, AUmaskThatTakesAllLeavesTheOwnersRights) {
  const std::string log = dir_ / "log";
  std::vector<std::string> words = More({"--log-file", log, at_});
  words.insert(words.begin(),
               {"sh", "-c", R"(umask 0777; exec "$@")", "sh", DOWNWARDFS_BINARY, "mount"});
  const Outcome outcome = RunProgram(words);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(std::filesystem::status(log).permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(umount2(at_.c_str(), 0), 0);
}

// A device directory of the test's own, whose log has a reader that is stopped.
TEST_P(LimitsTest, ASystemLogThatNobodyReadsHoldsUpNothing) {
  const std::string script = R"sh(
mkdir "$1/dev"
mount --rbind /dev "$1/dev"
mount -t tmpfs none /dev
for f in null zero urandom fuse; do touch /dev/$f; mount --bind "$1/dev/$f" /dev/$f; done
shift
exec python3 - "$@" <<'END'
import json, os, signal, socket, subprocess, sys, time
pod, at, *mount = sys.argv[1:]
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
def status():
    command = [mount[0], "status", at, "--format", "json"]
    end = time.time() + 60  # a busy machine's daemon may be silent for longer than `status` waits
    while True:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return json.loads(done.stdout)
        if time.time() > end:
            sys.exit(done.stderr)
subprocess.run(mount, check=True)
manifest = open(pod).read()
for i in range(30):
    if "--no-holder" in mount:
        open(pod, "w").write("[")
        while status()["connected"]:
            time.sleep(0.01)
    else:
        os.kill(status()["daemonPid"], signal.SIGKILL)
    open(pod, "w").write(manifest.replace('"one"', '"%d"' % i))
    end = time.time() + 20
    while open(at + "/labels").read() != 'app="%d"' % i:
        if time.time() > end:
            sys.exit("change %d was not shown" % i)
        time.sleep(0.01)
print(log.recv(4096).decode())
subprocess.run(["umount", at], check=True)
END
)sh";
  std::vector<std::string> words = {"unshare", "-m",        "sh", "-ec", script,
                                    "sh",      dir_.path(), pod_, at_,   DOWNWARDFS_BINARY,
                                    "mount"};
  const auto mount = More({at_});
  words.insert(words.end(), mount.begin(), mount.end());
  const Outcome outcome = RunProgram(words);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("]: "));
  EXPECT_THAT(outcome.out, HasSubstr("downwardfs"));
}

TEST_P(LimitsTest, DiskFreeAlertsNobody) {
  const Mounted mount(More(), at_);
  ASSERT_TRUE(mount.ok());
  struct statvfs st = {};
  ASSERT_EQ(statvfs(at_.c_str(), &st), 0);
  EXPECT_GT(st.f_blocks, 0u);
  EXPECT_LE((st.f_blocks - st.f_bavail) * 10, st.f_blocks);
  EXPECT_LE((st.f_files - st.f_favail) * 10, st.f_files);
}

INSTANTIATE_TEST_SUITE_P(HeldAndAlone, LimitsTest, ::testing::Bool());

}  // namespace
}  // namespace downwardfs::testing
