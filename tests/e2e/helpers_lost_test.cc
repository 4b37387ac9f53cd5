// SPDX-License-Identifier: Apache-2.0
// Helpers of a mount that are killed together or stopped, and a handover memory that is damaged.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>

#include "mount-helper/handover_memory.h"
#include "tests/e2e/ended.h"
#include "tests/e2e/mount_fixture.h"
#include "tests/support/children.h"

namespace downwardfs::testing {
namespace {

class HelpersLostTest : public HeldMountTest {
 protected:
  // Of the holder, through /proc.
  static OwnedFd MemoryOf(int holder) {
    const std::string fds = "/proc/" + std::to_string(holder) + "/fd";
    for (const auto& entry : std::filesystem::directory_iterator(fds)) {
      std::error_code gone;
      const auto target = std::filesystem::read_symlink(entry.path(), gone);
      if (target.string().find("downwardfs-handover") == std::string::npos) continue;
      return OwnedFd(open(entry.path().c_str(), O_RDWR | O_CLOEXEC));
    }
    return {};
  }
};

// As `fuser -km` does: all who use the mount, one after the other, in either order.
TEST_F(HelpersLostTest, ADaemonWithoutHelpersShowsChangesByNotification) {
  for (const std::string layout : {"kubelet", "live"}) {
    for (const bool holder_first : {true, false}) {
      SCOPED_TRACE(layout + (holder_first ? ", holder first" : ", publisher first"));
      dir_.Replace("pod.yaml", PodYaml("one"));
      const Mounted mount(Arguments({"--layout", layout}), at_);
      ASSERT_TRUE(mount.ok());
      EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
      EXPECT_EQ(mount.StatusField("changesBy"), "\"events\"");
      const int holder = HolderPid(mount);
      const int publisher = AwaitPublisherOf(holder);
      const int daemon = mount.DaemonPid();
      ASSERT_GT(publisher, 0);
      for (const int pid : {holder_first ? holder : publisher, holder_first ? publisher : holder}) {
        // The publisher may have ended with the holder.
        ASSERT_TRUE(kill(pid, SIGKILL) == 0 || errno == ESRCH) << pid;
      }
      dir_.Replace("pod.yaml", PodYaml("two"));
      EXPECT_TRUE(Eventually([&] { return Slurp(mount / "labels") == "app=\"two\""; }));
      dir_.Replace("pod.yaml", PodYaml("three"));
      EXPECT_TRUE(Eventually([&] { return Slurp(mount / "labels") == "app=\"three\""; }));
      EXPECT_EQ(mount.DaemonPid(), daemon);
      EXPECT_EQ(mount.StatusField("holderPid"), "null");
      EXPECT_EQ(mount.StatusField("changesBy"), "\"notification\"");
      EXPECT_THAT(mount.StatusField("lastError"), HasSubstr("the holder is gone"));
      EXPECT_EQ(umount2(at_.c_str(), 0), 0);
      EXPECT_TRUE(Eventually([&] { return HasEnded(daemon); }));
    }
  }
}

TEST_F(HelpersLostTest, APublisherThatIsStoppedIsReplaced) {
  for (const std::string layout : {"kubelet", "live"}) {
    dir_.Replace("pod.yaml", PodYaml("one"));
    const Mounted mount(Arguments({"--layout", layout, "--watchdog", "300"}), at_);
    ASSERT_TRUE(mount.ok());
    EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
    const int publisher = AwaitPublisherOf(HolderPid(mount));
    ASSERT_GT(publisher, 0);
    kill(publisher, SIGSTOP);
    dir_.Replace("pod.yaml", PodYaml("two"));
    EXPECT_TRUE(Eventually([&] { return Slurp(mount / "labels") == "app=\"two\""; })) << layout;
    // The live layout shows a content at once, and tells the kernel afterwards.
    EXPECT_TRUE(Eventually([&] { return HasEnded(publisher); }));
    EXPECT_TRUE(Eventually([&] { return mount.StatusField("changesBy") == "\"events\""; }));
  }
}

// Nobody replaces the publisher before the holder goes on.
TEST_F(HelpersLostTest, AHolderThatIsStoppedHidesNoChange) {
  for (const std::string layout : {"kubelet", "live"}) {
    SCOPED_TRACE(layout);
    dir_.Replace("pod.yaml", PodYaml("one"));
    const Mounted mount(Arguments({"--layout", layout}), at_);
    ASSERT_TRUE(mount.ok());
    EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
    const int holder = HolderPid(mount);
    const int publisher = AwaitPublisherOf(holder);
    ASSERT_GT(publisher, 0);
    kill(holder, SIGSTOP);
    kill(publisher, SIGKILL);
    for (const char* const label : {"two", "three"}) {
      dir_.Replace("pod.yaml", PodYaml(label));
      const std::string shown = std::string("app=\"") + label + "\"";
      EXPECT_TRUE(Eventually([&] { return Slurp(mount / "labels") == shown; })) << label;
    }
    EXPECT_EQ(mount.StatusField("changesBy"), "\"notification\"");
    EXPECT_THAT(mount.StatusField("lastError"), HasSubstr("the holder has not replaced it"));
    kill(holder, SIGCONT);
    EXPECT_TRUE(Eventually([&] { return mount.StatusField("changesBy") == "\"events\""; }));
    dir_.Replace("pod.yaml", PodYaml("four"));
    EXPECT_TRUE(Eventually([&] { return Slurp(mount / "labels") == "app=\"four\""; }));
    EXPECT_EQ(mount.StatusField("lastError"), "\"\"");
  }
}

// Each kind of damage ends in a mount that is new and right; nobody gets a wrong byte.
TEST_F(HelpersLostTest, ADamagedMemoryIsRefusedAndTheMountMadeAnew) {
  using Damage = std::function<void(HandoverHeader&)>;
  const std::vector<std::pair<const char*, Damage>> damages = {
      {"no FUSE_INIT", [](HandoverHeader& header) { header.init_size = 0; }},
      {"another FUSE_INIT", [](HandoverHeader& header) { header.init[41] ^= 1; }},
      {"an empty log", [](HandoverHeader& header) { header.area[header.current].used = 0; }},
      {"half a record", [](HandoverHeader& header) { header.area[header.current].used -= 4; }},
      {"daemons die of it",
       [](HandoverHeader& header) { header.readers_lost = HandoverMemory::kMostReadersLost; }},
      {"a pod that is no text", [](HandoverHeader& header) { header.pod_uid[0] = '\x01'; }},
  };
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  const int holder = HolderPid(mount);
  for (const auto& [what, damage] : damages) {
    SCOPED_TRACE(what);
    const OwnedFd fd = MemoryOf(holder);
    auto memory = HandoverMemory::Map(fd.get());
    ASSERT_TRUE(memory);
    const int daemon = mount.DaemonPid();
    kill(holder, SIGSTOP);  // nobody starts the next one meanwhile
    // SIGKILL from elsewhere would take the count of deaths back.
    const int deadly = std::string(what) == "daemons die of it" ? SIGSEGV : SIGKILL;
    kill(daemon, deadly);
    damage(memory->header());
    kill(holder, SIGCONT);
    EXPECT_TRUE(Eventually([&] {
      const OwnedFd now = MemoryOf(holder);
      struct stat before = {};
      struct stat after = {};
      return now && fstat(fd.get(), &before) == 0 && fstat(now.get(), &after) == 0 &&
             before.st_ino != after.st_ino && IsMountPoint(at_) &&
             Slurp(mount / "labels") == "app=\"one\"";
    }));
  }
}

}  // namespace
}  // namespace downwardfs::testing
