// SPDX-License-Identifier: Apache-2.0
// `status` and `upgrade` of what only looks like a mount of ours: no word of it is believed, and no
// process gets a signal for it.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/owned_fd.h"
#include "fs/volume/data_dir_name.h"
#include "fs/volume/mounted_volume.h"
#include "mount-helper/holder_process.h"
#include "mount-helper/mount_identity.h"
#include "tests/e2e/mount_fixture.h"
#include "tests/support/background.h"

namespace downwardfs::testing {
namespace {

class FalseStatusTest : public HeldMountTest {
 protected:
  // SIGUSR2 would end it.
  bool VictimLives() { return waitpid(victim_.pid(), nullptr, WNOHANG) == 0; }
  static std::string Claim(int pid) {
    return R"({"holderPid":)" + std::to_string(pid) + R"(,"generation":1,"version":"1"})";
  }
  // A FUSE mount of this process, of our type, that says what it likes.
  std::unique_ptr<MountedVolume> Serve(const std::string& status) {
    auto loop = SessionLoop::Start(1);
    EXPECT_TRUE(loop);
    loop_ = std::move(*loop);
    MountedVolumeOptions options;
    options.mount_point = at_;
    options.source = "downwardfs:default/web";
    options.status = [status] { return status; };
    DataDirNamer namer(Clock::Real());
    auto volume = MountedVolume::Mount(
        options,
        VolumeVersion::Make({{"labels", "x", 0644, "", ""}}, namer.Next(), Clock::Real().Wall()),
        "1", *loop_, lanes_);
    EXPECT_TRUE(volume) << volume.error().message;
    return volume ? std::move(*volume) : nullptr;
  }
  Result<HolderProcess> Prove(pid_t pid) const {
    const OwnedFd root(open(at_.c_str(), O_PATH | O_CLOEXEC));
    const auto mount = MountOf(root.get());
    if (!mount || !*mount) return Fail(ErrorCode::kInternal, "no mount");
    return HolderProcess::Prove(pid, **mount);
  }

  static int FuseDescriptor() {
    for (int fd = 0; fd < 1024; ++fd) {
      if (const auto path = PathOfDescriptor(fd); path && *path == "/dev/fuse") return fd;
    }
    return -1;
  }

  std::unique_ptr<SessionLoop> loop_;
  LanePool lanes_;
  Background victim_{{"1000"}, dir_ / "victim", "/bin/sleep"};
};

TEST_F(FalseStatusTest, AnAttributeOfAnotherFileSystemIsNoStatus) {
  const std::string claim = Claim(victim_.pid());
  for (const char* const type : {"", "tmpfs"}) {
    if (*type != '\0') {
      ASSERT_EQ(mount("none", at_.c_str(), type, 0, nullptr), 0);
    }
    for (const char* const name : {"user.downwardfs.status", "trusted.downwardfs.status"}) {
      setxattr(at_.c_str(), name, claim.data(), claim.size(), 0);
    }
    for (const char* const command : {"upgrade", "status"}) {
      const Outcome outcome = Downwardfs({command, at_});
      EXPECT_EQ(outcome.exit_code, 1) << type;
      EXPECT_THAT(outcome.err, HasSubstr("not a downwardfs mount"));
    }
    if (*type != '\0') umount2(at_.c_str(), MNT_DETACH);
  }
  EXPECT_TRUE(VictimLives());
}

TEST_F(FalseStatusTest, AProcessThatAFuseMountNamesGetsNoSignal) {
  const auto volume = Serve(Claim(victim_.pid()));
  ASSERT_TRUE(volume);
  const Outcome outcome = Downwardfs({"upgrade", at_});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("is not this mount's holder"));
  EXPECT_TRUE(VictimLives());
}

// A claim may be anything that is JSON, or not even that.
TEST_F(FalseStatusTest, AnAnswerOfAnyShapeIsOneLine) {
  for (const std::string claim :
       {R"({"holderPid":"1","generation":"x","version":{}})", R"({"holderPid":-1})",
        R"({"holderPid":4294967297})", R"({"holderPid":[2]})", "[1]", "x", ""}) {
    const auto volume = Serve(claim);
    ASSERT_TRUE(volume);
    const Outcome outcome = Downwardfs({"upgrade", at_});
    EXPECT_EQ(outcome.exit_code, 1) << claim;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
  EXPECT_TRUE(VictimLives());
}

// Root may read the status of a user's mount: no member of a wrong type, no name and no depth of it
// does harm to who reads or to the terminal.
TEST_F(FalseStatusTest, AStatusOfAnyShapeIsReadWithoutHarm) {
  const std::string escape = R"(\u001b]0;x\u0007\u009b31m\u007f\n)";
  const auto deep = [](std::size_t levels, const std::string& open, const std::string& close) {
    std::string text = R"({"pod":)";
    for (std::size_t i = 0; i < levels; ++i) text += open;
    text += "1";
    for (std::size_t i = 0; i < levels; ++i) text += close;
    return text + "}";
  };
  for (const std::string& claim :
       {std::string(R"({"podDeleted":"x","writableView":[],"publishHeldBack":1})"),
        std::string(R"({"objects":3,"problems":{"a":"b"},"requests":[1],"namespaces":{}})"),
        std::string(R"({"objects":{"pods":"x","nodes":{"loaded":"x","count":[]}}})"),
        R"({"objects":{")" + escape + R"(":{"lastError":")" + escape + R"("}}})",
        R"({"requests":{")" + escape + R"(":")" + escape + R"("},"pod":")" + escape + R"("})",
        R"({"problems":[[")" + escape + R"("]],"namespaces":[{")" + escape + R"(":1}]})",
        deep(300000, "[", "]"), deep(300000, R"({"a":)", "}")}) {
    const auto volume = Serve(claim);
    ASSERT_TRUE(volume);
    for (const std::string format : {"text", "json"}) {
      const Outcome outcome = Downwardfs({"status", "--format", format, at_});
      const std::string what = format + " of " + claim.substr(0, 80);
      EXPECT_TRUE(outcome.exit_code == 0 || outcome.exit_code == 1) << what;
      EXPECT_EQ(outcome.err.find("exception"), std::string::npos) << outcome.err;
      EXPECT_LE(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
      for (const char* const sign : {"\x1b", "\x07", "\x7f", "\xc2\x9b"}) {
        EXPECT_EQ(outcome.out.find(sign), std::string::npos) << what;
      }
    }
  }
}

// The holder of another mount is a holder, but not this one's.
TEST_F(FalseStatusTest, TheHolderIsProvedByTheMountsOwnDevice) {
  const std::string elsewhere = dir_.MakeDir("elsewhere");
  const Mounted other(Arguments(), elsewhere);
  ASSERT_TRUE(other.ok());
  const int holder = HolderPid(other);
  const auto volume = Serve(Claim(holder));
  ASSERT_TRUE(volume);
  const auto foreign = Prove(holder);
  const std::string info = Slurp("/proc/self/fdinfo/" + std::to_string(FuseDescriptor()));
  if (info.find("fuse_connection:") != std::string::npos) {
    ASSERT_FALSE(foreign);
    EXPECT_THAT(foreign.error().message, HasSubstr("does not have this mount's FUSE device"));
  }
  // This process has the device, and is no holder.
  const auto self = Prove(getpid());
  ASSERT_FALSE(self);
  EXPECT_THAT(self.error().message, HasSubstr("it runs another program"));
}

TEST_F(FalseStatusTest, ARealHolderIsProvedAndItsDaemonIsNot) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  const auto holder = Prove(HolderPid(mount));
  ASSERT_TRUE(holder) << holder.error().message;
  EXPECT_TRUE(holder->Signal(0));
  EXPECT_FALSE(Prove(mount.DaemonPid()));
  const auto nobody = Prove(4194304);  // beyond every pid
  ASSERT_FALSE(nobody);
}

}  // namespace
}  // namespace downwardfs::testing
