// SPDX-License-Identifier: Apache-2.0
// Mounts where system calls are missing that younger kernels have, or that a filter refuses: events
// as long as there is any way to a writable view, and one line if there is not.
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <algorithm>

#include "tests/e2e/mount_fixture.h"
#include "tests/support/event_log.h"
#include "tests/support/kernel.h"

namespace downwardfs::testing {
namespace {

class OldKernelTest : public PodMountTest {
 protected:
  ~OldKernelTest() override { umount2(at_.c_str(), MNT_DETACH); }

  Outcome MountWithout(const std::string& how, const std::vector<long>& calls,
                       const std::vector<std::string>& more = {}) {
    std::string numbers;
    for (const long call : calls) numbers += (numbers.empty() ? "" : ",") + std::to_string(call);
    std::vector<std::string> words = {WITHOUT_CALLS, how,          numbers, DOWNWARDFS_BINARY,
                                      "mount",       "--pod-file", pod_,    "--volume",
                                      "info"};
    words.insert(words.end(), more.begin(), more.end());
    words.push_back(at_);
    return RunProgram(words);
  }
  std::string StatusText() const { return Downwardfs({"status", at_}).out; }
};

TEST_F(OldKernelTest, EventsComeWithoutMountSetattr) {
  for (const char* how : {"ENOSYS", "EPERM"}) {
    for (const bool holder : {true, false}) {
      dir_.Replace("pod.yaml", PodYaml("one"));
      const Outcome mounted = MountWithout(
          how, {SYS_mount_setattr},
          holder ? std::vector<std::string>{} : std::vector<std::string>{"--no-holder"});
      ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
      EXPECT_THAT(mounted.err, Not(HasSubstr("inotify")));
      struct statvfs st = {};
      ASSERT_EQ(statvfs(at_.c_str(), &st), 0);
      constexpr unsigned long kFlags = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
      EXPECT_EQ(st.f_flag & kFlags, kFlags) << how;
      EventLog events(at_, EventLog::Changes());
      dir_.Replace("pod.yaml", PodYaml("two"));
      EXPECT_THAT(events.UntilLast("MOVED_TO ..data"),
                  ::testing::Contains("MOVED_FROM ..data_tmp"));
      EXPECT_EQ(Slurp(at_ + "/labels"), "app=\"two\"");
      EXPECT_THAT(StatusText(), Not(HasSubstr("without events")));
      ASSERT_EQ(umount2(at_.c_str(), MNT_DETACH), 0);
    }
  }
}

// Debian's kernels have nothing of a later one.
TEST_F(OldKernelTest, AMountSaysInOneLineWhatItLosesOnThisKernel) {
  for (const std::string layout : {"kubelet", "live"}) {
    for (const bool holder : {true, false}) {
      std::vector<std::string> words = {"mount", "--pod-file", pod_,   "--volume",
                                        "info",  "--layout",   layout, at_};
      if (!holder) words.insert(words.begin() + 1, "--no-holder");
      const Outcome mounted = Downwardfs(words);
      ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
      const bool idmap = !KernelIsOlderThan(6, 12);
      const bool mappings = layout != "live" || !KernelIsOlderThan(6, 6);
      EXPECT_EQ(std::count(mounted.err.begin(), mounted.err.end(), '\n'), idmap && mappings ? 0 : 1)
          << mounted.err;
      EXPECT_EQ(mounted.err.find("hostUsers: false") == std::string::npos, idmap) << mounted.err;
      EXPECT_EQ(mounted.err.find("MAP_SHARED") == std::string::npos, mappings) << mounted.err;
      ASSERT_EQ(umount2(at_.c_str(), MNT_DETACH), 0);
    }
  }
}

TEST_F(OldKernelTest, WithoutAWritableViewOneLineSaysThatThereAreNoEvents) {
  const Outcome mounted = MountWithout("EPERM", {SYS_open_tree, SYS_mount_setattr});
  ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
  EXPECT_THAT(mounted.err, HasSubstr("changes raise no inotify events"));
  struct statvfs st = {};
  ASSERT_EQ(statvfs(at_.c_str(), &st), 0);
  EXPECT_NE(st.f_flag & ST_RDONLY, 0U);
  dir_.Replace("pod.yaml", PodYaml("two"));
  EXPECT_TRUE(Eventually([&] { return Slurp(at_ + "/labels") == "app=\"two\""; }));
  EXPECT_THAT(StatusText(), HasSubstr("changes raise no inotify events"));
}

}  // namespace
}  // namespace downwardfs::testing
