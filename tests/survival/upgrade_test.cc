// SPDX-License-Identifier: Apache-2.0
// A mount of an earlier build, with readers of every kind, is upgraded to this build by SIGUSR2.
// The readers see no failure; or this build refuses what the earlier one left and mounts anew, as
// docs/handover.md says, and they see the end of the old mount, but never wrong bytes.
// DOWNWARDFS_BUILD_BEFORE is the build folder of the earlier build; tests/survival/upgrade sets it.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <tuple>

#include "tests/support/mounted.h"
#include "tests/support/temp_dir.h"
#include "tests/survival/readers.h"

namespace downwardfs::testing {
namespace {

namespace fs = std::filesystem;

class UpgradeTest : public ::testing::TestWithParam<std::tuple<bool, bool>> {
 protected:
  void SetUp() override {
    const char* const before = std::getenv("DOWNWARDFS_BUILD_BEFORE");
    if (before == nullptr) GTEST_SKIP() << "DOWNWARDFS_BUILD_BEFORE names no build";
    ASSERT_EQ(geteuid(), 0u) << "only root's mounts have a holder";
    fs::create_directories(dir_ / "cli");
    fs::create_directories(dir_ / "mount-helper");
    Install(before);
    dir_.Write("pod.json", NumberedPod(1));
    dir_.Write("items.yaml", kNumberedItems);
  }
  // Puts the programs of a build where the others were, as a package manager does.
  void Install(const std::string& build) const {
    for (const char* program : {"cli/downwardfs", "mount-helper/downwardfs-holder"}) {
      const fs::path to = dir_ / program;
      fs::copy_file(build + "/" + program, to.string() + ".new");
      fs::rename(to.string() + ".new", to);
    }
  }
  void Mount(bool live, bool resend) {
    std::vector<std::string> words = {dir_ / "cli/downwardfs", "mount",   "--pod-file",
                                      dir_ / "pod.json",       "--items", dir_ / "items.yaml"};
    if (live) words.insert(words.end(), {"--layout", "live"});
    if (!resend) words.emplace_back("--no-resend");
    words.push_back(at_);
    const Outcome outcome = RunProgram(words);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  }
  void TearDown() override {
    if (IsMountPoint(at_)) RunProgram({"umount", "-l", at_});
  }
  std::string Status(const std::string& key) const {
    const Outcome status = Downwardfs({"status", at_, "--format", "json"});
    const auto found = status.out.find("\"" + key + "\":");
    if (found == std::string::npos) return "";
    const auto from = found + key.size() + 3;
    return status.out.substr(from, status.out.find_first_of(",}\n", from) - from);
  }
  // The program that a process runs; " (deleted)" at the end if it was replaced.
  static std::string ProgramOf(const std::string& pid) {
    std::error_code failed;
    return fs::read_symlink("/proc/" + std::to_string(std::atoi(pid.c_str())) + "/exe", failed);
  }
  dev_t FileSystem() const {
    struct stat st = {};
    return stat(at_.c_str(), &st) == 0 ? st.st_dev : 0;
  }
  bool Change(const Readers& readers) {
    dir_.Replace("pod.json", NumberedPod(++number_));
    return Eventually([&] { return readers.newest() == number_; });
  }

  const TempDir dir_;
  const std::string at_ = dir_.MakeDir("mount");
  int number_ = 1;
};

TEST_P(UpgradeTest, ReadersSeeNoFailureOrTheCleanRefusal) {
  const auto [live, resend] = GetParam();
  ASSERT_NO_FATAL_FAILURE(Mount(live, resend));
  const dev_t before = FileSystem();
  const std::string holder = Status("holderPid");
  ReaderReport report;
  bool anew = false;
  {
    const Readers readers(at_, live, report);
    ASSERT_TRUE(Change(readers));
    for (int i = 0; i < 5; ++i) {
      const std::string generation = Status("generation");
      if (i == 0) Install(DOWNWARDFS_BUILD);
      ASSERT_EQ(kill(std::atoi(holder.c_str()), SIGUSR2), 0);
      ASSERT_TRUE(Eventually([&] {
        const std::string now = Status("generation");
        return !now.empty() && now != generation;
      }));
      anew = FileSystem() != before;
      if (anew) break;
      EXPECT_TRUE(Change(readers)) << "after upgrade " << i;
    }
  }
  EXPECT_EQ(ProgramOf(holder), dir_ / "mount-helper/downwardfs-holder");
  EXPECT_EQ(ProgramOf(Status("daemonPid")), dir_ / "cli/downwardfs");
  EXPECT_GT(report.calls(), 0);
  const std::string texts = report.first_failures();
  for (const char* wrong : {"mixed", "wrong bytes", "torn", " lists "}) {
    EXPECT_EQ(texts.find(wrong), std::string::npos) << texts;
  }
  if (anew) {
    ReaderReport after;
    const Readers readers(at_, live, after);
    EXPECT_TRUE(Change(readers));
    EXPECT_EQ(after.failures(), 0) << after.first_failures();
  } else {
    EXPECT_EQ(report.failures(), 0) << texts;
  }
  std::printf("%ld rounds of reads, %ld failures, longest round %.0f ms, %s\n", report.calls(),
              report.failures(), report.longest_ms(),
              anew ? "refused and mounted anew" : "the same mount goes on");
}

INSTANTIATE_TEST_SUITE_P(LayoutAndWay, UpgradeTest,
                         ::testing::Combine(::testing::Bool(), ::testing::Bool()),
                         [](const auto& ways) {
                           return std::string(std::get<0>(ways.param) ? "Live" : "Kubelet") +
                                  (std::get<1>(ways.param) ? "Resend" : "Slots");
                         });

}  // namespace
}  // namespace downwardfs::testing
