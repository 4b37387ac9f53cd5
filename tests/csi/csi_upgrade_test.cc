// SPDX-License-Identifier: Apache-2.0
// The node plugin of an earlier build is upgraded to this build, one half after the other and in
// either order, while a pod reads. It sees no failure; or this build refuses what the earlier one
// left and mounts the volume anew, and never wrong bytes.
// DOWNWARDFS_BUILD_BEFORE is the build folder of the earlier build; tests/survival/upgrade sets it.
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/file.h"
#include "tests/csi/csi_fixture.h"

namespace downwardfs::testing {
namespace {

// Reads a file of the volume over and over.
class PodReader {
 public:
  explicit PodReader(std::string file) : file_(std::move(file)), thread_([this] { Run(); }) {}
  ~PodReader() { Stop(); }
  PodReader(const PodReader&) = delete;
  PodReader& operator=(const PodReader&) = delete;

  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  long rounds() const { return rounds_; }
  long failures() const { return failures_; }
  long wrong() const { return wrong_; }

 private:
  void Run() {
    while (!stop_) {
      ++rounds_;
      const auto name = ReadFile(file_);
      if (!name) ++failures_;
      if (name && *name != "web") ++wrong_;
    }
  }
  const std::string file_;
  std::atomic<bool> stop_{false};
  std::atomic<long> rounds_{0};
  std::atomic<long> failures_{0};
  std::atomic<long> wrong_{0};
  std::thread thread_;
};

class CsiUpgradeTest : public CsiTest {
 protected:
  void SetUp() override {
    const char* const before = std::getenv("DOWNWARDFS_BUILD_BEFORE");
    if (before == nullptr) GTEST_SKIP() << "DOWNWARDFS_BUILD_BEFORE names no build";
    before_ = before;
    StartMounterOf(before_);
    StartDaemonOf(before_);
    call_ = CallFor();
    const CsiAnswer answer = client().Publish(call_);
    ASSERT_TRUE(answer.ok()) << answer.message;
    file_system_ = FileSystem();
    reader_.emplace(call_.target_path + "/name");
  }

  void StartMounterOf(const std::string& build) {
    holder_.reset();
    holder_.emplace(std::vector<std::string>{"--serve", holder_socket_, "--kubelet-dir", kubelet_,
                                             "--driver-name", kDriver},
                    dir_ / "holder.log", build + "/mount-helper/downwardfs-holder");
  }
  void ReplaceMounter() {
    EXPECT_EQ(holder_->Wait(SIGTERM), 0);
    StartMounterOf(DOWNWARDFS_BUILD);
  }
  // The supervisor and its daemon.
  void StartDaemonOf(const std::string& build) {
    plugin_.emplace(
        std::vector<std::string>{"csi", "--node-id", "node1", "--server", server_->url(),
                                 "--kubelet-dir", kubelet_, "--driver-name", kDriver,
                                 "--holder-socket", holder_socket_},
        dir_ / "plugin.log", build + "/cli/downwardfs");
  }
  void ReplaceDaemon() {
    StopPlugin(SIGTERM);
    StartDaemonOf(DOWNWARDFS_BUILD);
  }
  dev_t FileSystem() const {
    struct stat st = {};
    return stat(call_.target_path.c_str(), &st) == 0 ? st.st_dev : 0;
  }
  // A change arrives, and volumes come and go.
  void AllWorks(const std::string& step) {
    Label(step);
    EXPECT_TRUE(Shows(call_.target_path, "tick", step)) << step;
    const PublishCall second = CallFor("web", "second");
    EXPECT_TRUE(Eventually([&] { return client().Publish(second).ok(); })) << step;
    EXPECT_TRUE(Shows(second.target_path, "tick", step)) << step;
    EXPECT_TRUE(client().Unpublish(second.volume_id, second.target_path).ok()) << step;
    EXPECT_TRUE(client().Publish(call_).ok()) << step;
  }
  void NothingWasNoticed() {
    reader_->Stop();
    const bool anew = FileSystem() != file_system_;
    EXPECT_GT(reader_->rounds(), 0);
    EXPECT_EQ(reader_->wrong(), 0);
    if (!anew) {
      EXPECT_EQ(reader_->failures(), 0);
    }
    EXPECT_EQ(MountsAt(call_.target_path), 1);
    EXPECT_TRUE(client().Unpublish(call_.volume_id, call_.target_path).ok());
    EXPECT_EQ(MountsAt(call_.target_path), 0);
    std::printf("%ld reads, %ld failures, %s\n", reader_->rounds(), reader_->failures(),
                anew ? "refused and mounted anew" : "the same mount goes on");
  }

  const std::string holder_socket_ = plugin_dir_ + "/holder.sock";
  std::string before_;
  PublishCall call_;
  dev_t file_system_ = 0;
  std::optional<PodReader> reader_;
};

TEST_F(CsiUpgradeTest, TheDaemonFirst) {
  AllWorks("before");
  ReplaceDaemon();
  AllWorks("daemon");
  ReplaceMounter();
  AllWorks("both");
  NothingWasNoticed();
}

TEST_F(CsiUpgradeTest, TheMounterFirst) {
  AllWorks("before");
  ReplaceMounter();
  AllWorks("mounter");
  ReplaceDaemon();
  AllWorks("both");
  NothingWasNoticed();
}

}  // namespace
}  // namespace downwardfs::testing
