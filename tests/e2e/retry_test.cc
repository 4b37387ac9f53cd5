// SPDX-License-Identifier: Apache-2.0
// Failed work is tried again until it succeeds, without another change (kubernetes#113242).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/file.h"
#include "base/owned_fd.h"
#include "tests/e2e/mount_fixture.h"
#include "tests/support/background.h"

namespace downwardfs::testing {
namespace {

class RetryTest : public HeldMountTest {
 protected:
  void SetUp() override {
    HeldMountTest::SetUp();
    ASSERT_EQ(mount("none", to_.c_str(), "tmpfs", 0, "size=64k"), 0);
  }
  void TearDown() override { umount2(to_.c_str(), MNT_DETACH); }

  static std::string Bytes(const std::string& path) {
    const auto bytes = ReadFile(path);
    return bytes ? *bytes : "";
  }
  bool Shows(const std::string& where, const std::string& label) {
    return Eventually([&] { return Bytes(where + "/labels") == "app=\"" + label + "\""; },
                      std::chrono::seconds(40));
  }

  const std::string to_ = dir_.MakeDir("to");
  const std::string errors_ = dir_ / "errors";
};

TEST_F(RetryTest, AFullTargetIsWrittenToOnceThereIsRoom) {
  Background write({"write", "--pod-file", pod_, "--volume", "info", "--to", to_}, errors_);
  ASSERT_TRUE(Shows(to_, "one"));
  // All but what the next version needs.
  RunProgram({"dd", "if=/dev/zero", "of=" + to_ + "/filler", "bs=1k", "count=100"});
  dir_.Replace("pod.yaml", PodYaml("two"));
  ASSERT_TRUE(Eventually([&] { return write.Said("No space left on device"); }));
  EXPECT_EQ(Bytes(to_ + "/labels"), "app=\"one\"") << "the old version stays whole";
  std::filesystem::remove(to_ + "/filler");
  EXPECT_TRUE(Shows(to_, "two"));
  EXPECT_EQ(write.Wait(SIGTERM), 0);
}

TEST_F(RetryTest, AReadOnlyTargetIsWrittenToOnceItIsWritable) {
  Background write({"write", "--pod-file", pod_, "--volume", "info", "--to", to_}, errors_);
  ASSERT_TRUE(Shows(to_, "one"));
  ASSERT_EQ(mount(nullptr, to_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  dir_.Replace("pod.yaml", PodYaml("two"));
  ASSERT_TRUE(Eventually([&] { return write.Said("Read-only file system"); }));
  ASSERT_EQ(mount(nullptr, to_.c_str(), nullptr, MS_REMOUNT, nullptr), 0);
  EXPECT_TRUE(Shows(to_, "two"));
  EXPECT_EQ(write.Wait(SIGTERM), 0);
}

TEST_F(RetryTest, ATargetThatIsMadeAgainIsFilledAgain) {
  const std::string inner = to_ + "/inner";
  std::filesystem::create_directory(inner);
  Background write({"write", "--pod-file", pod_, "--volume", "info", "--to", inner}, errors_);
  ASSERT_TRUE(Shows(inner, "one"));
  std::filesystem::remove_all(inner);
  ASSERT_TRUE(Eventually([&] { return write.Said("inner: No such file"); }));
  dir_.Replace("pod.yaml", PodYaml("two"));
  std::filesystem::create_directory(inner);
  EXPECT_TRUE(Shows(inner, "two"));
  std::filesystem::rename(inner, to_ + "/other");
  std::filesystem::create_directory(inner);
  EXPECT_TRUE(Shows(inner, "two"));
  EXPECT_EQ(write.Wait(SIGTERM), 0);
}

TEST_F(RetryTest, ATargetWhoseLinksWereRemovedIsFilledAgain) {
  Background write({"write", "--pod-file", pod_, "--volume", "info", "--to", to_}, errors_);
  ASSERT_TRUE(Shows(to_, "one"));
  std::filesystem::remove(to_ + "/labels");
  EXPECT_TRUE(Shows(to_, "one"));
  std::filesystem::remove(to_ + "/..data");
  EXPECT_TRUE(Shows(to_, "one"));
  const auto version = std::filesystem::read_symlink(to_ + "/..data");
  std::filesystem::remove_all(to_ + "/" + version.string());
  EXPECT_TRUE(Shows(to_, "one"));
  std::filesystem::remove(to_ + "/..data/name");
  EXPECT_TRUE(Eventually([&] { return !Bytes(to_ + "/name").empty(); }));
  EXPECT_EQ(write.Wait(SIGTERM), 0);
}

// The owner of the parent directory must not lead the writer, which may be root's, elsewhere.
TEST_F(RetryTest, ATargetThatBecameASymlinkIsNotFollowed) {
  const std::string inner = to_ + "/inner";
  const std::string other = dir_.MakeDir("other");
  std::filesystem::create_directory(inner);
  Background write({"write", "--pod-file", pod_, "--volume", "info", "--to", inner}, errors_);
  ASSERT_TRUE(Shows(inner, "one"));
  std::filesystem::remove_all(inner);
  std::filesystem::create_directory_symlink(other, inner);
  ASSERT_TRUE(Eventually([&] { return write.Said("a symbolic link has taken the place"); }));
  EXPECT_TRUE(std::filesystem::is_empty(other));
  std::filesystem::remove(inner);
  std::filesystem::create_directory(inner);
  EXPECT_TRUE(Shows(inner, "one"));
  EXPECT_EQ(write.Wait(SIGTERM), 0);
}

TEST_F(RetryTest, AFifoThatNobodyWritesToDoesNotHoldUpTheEnd) {
  const std::string fifo = dir_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const std::vector<std::vector<std::string>> inputs = {
      {"--pod-file", fifo},
      {"--pod", "a/b", "--kubeconfig", fifo},
      {"--pod", "a/b", "--server", "http://127.0.0.1:1", "--items", fifo},
  };
  for (const auto& input : inputs) {
    std::vector<std::string> words = {"write", "--to", to_};
    words.insert(words.end(), input.begin(), input.end());
    Background write(words, errors_);
    OwnedFd writer;
    ASSERT_TRUE(Eventually([&] {
      writer.Reset(open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
      return static_cast<bool>(writer);
    }));
    EXPECT_EQ(write.Wait(SIGTERM), 128 + SIGTERM) << input[2 % input.size()];
  }
}

TEST_F(RetryTest, APodFileIsReadOnceThereIsADescriptorForIt) {
  if (!WITHOUT_SANITIZER) GTEST_SKIP() << "a sanitizer ends a program that cannot have a pipe";
  const Mounted mount(Arguments({"--no-resend"}), at_);
  ASSERT_TRUE(mount.ok());
  const int pid = mount.DaemonPid();
  rlimit before = {};
  ASSERT_EQ(prlimit(pid, RLIMIT_NOFILE, nullptr, &before), 0);
  const rlimit none = {1, before.rlim_max};
  ASSERT_EQ(prlimit(pid, RLIMIT_NOFILE, &none, nullptr), 0);
  dir_.Replace("pod.yaml", PodYaml("two"));
  EXPECT_TRUE(Eventually([&] {
    return mount.StatusField("lastError").find("Too many open files") != std::string::npos;
  }));
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
  ASSERT_EQ(prlimit(pid, RLIMIT_NOFILE, &before, nullptr), 0);
  EXPECT_TRUE(Shows(at_, "two"));
  EXPECT_EQ(mount.StatusField("lastError"), "\"\"");
}

}  // namespace
}  // namespace downwardfs::testing
