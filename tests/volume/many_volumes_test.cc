// SPDX-License-Identifier: Apache-2.0
// Many volumes in one process: what happens to one is nothing to the others. Real mounts.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/owned_fd.h"
#include "fs/volume/data_dir_name.h"
#include "fs/volume/mounted_volume.h"

namespace downwardfs {
namespace {

class ManyVolumesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(access("/dev/fuse", R_OK | W_OK), 0) << "this test needs /dev/fuse";
    ASSERT_EQ(geteuid(), 0u) << "this test needs root";
    ASSERT_NE(mkdtemp(base_.data()), nullptr);
    auto loop = SessionLoop::Start(4);
    ASSERT_TRUE(loop);
    loop_ = std::move(*loop);
  }
  void TearDown() override {
    volumes_.clear();
    std::error_code ignored;
    std::filesystem::remove_all(base_, ignored);
  }

  VolumeVersionPtr Version(const std::string& content) {
    return VolumeVersion::Make({{"labels", content, 0644, "", ""}}, namer_.Next(),
                               Clock::Real().Wall());
  }
  std::string Path(std::size_t volume) const { return base_ + "/" + std::to_string(volume); }
  std::string Read(std::size_t volume) const {
    std::ifstream in(Path(volume) + "/labels");
    std::string text;
    std::getline(in, text);
    return in.bad() ? "failed" : text;
  }
  // With threads for busy sessions, as the node plugin has them.
  void ShareThreads() {
    auto loop = SessionLoop::Start(4, /*for_busy=*/2);
    ASSERT_TRUE(loop);
    loop_ = std::move(*loop);
  }
  void Mount(std::size_t count, const std::function<std::string()>& status = nullptr) {
    for (std::size_t i = 0; i < count; ++i) {
      MountedVolumeOptions options;
      options.mount_point = Path(i);
      options.source = "downwardfs:test";
      options.status = status;
      std::filesystem::create_directory(options.mount_point);
      auto volume = MountedVolume::Mount(options, Version("one"), "1", *loop_, lanes_);
      ASSERT_TRUE(volume) << volume.error().message;
      volumes_.push_back(std::move(*volume));
    }
  }
  bool Shows(std::size_t volume, const std::string& content) {
    for (int i = 0; i < 10000 && Read(volume) != content; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return Read(volume) == content;
  }

  std::string base_ = "/tmp/dwfs-manyXXXXXX";
  DataDirNamer namer_{Clock::Real()};
  std::unique_ptr<SessionLoop> loop_;
  LanePool lanes_;
  std::vector<std::unique_ptr<MountedVolume>> volumes_;
};

// Requests of one volume that take long have one thread, however many there are.
TEST_F(ManyVolumesTest, AVolumeDoesNotTakeTheThreadsFromTheOthers) {
  ShareThreads();
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::atomic<int> asked{0};
  Mount(2, [&asked, released] {
    ++asked;
    released.wait();
    return std::string("{}");
  });
  std::vector<std::thread> askers;
  for (int i = 0; i < 8; ++i) {
    askers.emplace_back([this] {
      char text[16];
      EXPECT_EQ(getxattr(Path(0).c_str(), "trusted.downwardfs.status", text, sizeof text), 2);
    });
  }
  while (asked == 0) std::this_thread::yield();
  auto other = std::async(std::launch::async, [this] { return Read(1); });
  EXPECT_EQ(other.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(asked, 1);
  release.set_value();
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(other.get(), "one");
}

TEST_F(ManyVolumesTest, AVolumeThatIsReadWithoutPauseIsServedToTheEnd) {
  ShareThreads();
  Mount(2);
  // So many requests that it becomes busy, rests, and is not busy any more, from several readers.
  for (int round = 0; round < 3; ++round) {
    std::vector<std::thread> readers;
    for (int i = 0; i < 4; ++i) {
      readers.emplace_back([this] {
        char text[16];
        for (int n = 0; n < 5000; ++n) {
          EXPECT_GT(getxattr(Path(0).c_str(), "trusted.downwardfs.status", text, sizeof text), 0);
        }
      });
    }
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(Read(1), "one");
    EXPECT_EQ(Read(0), "one");
  }
}

TEST_F(ManyVolumesTest, AForcedUnmountOfOneLeavesTheOthers) {
  Mount(100);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(Read(i), "one");
  const OwnedFd held(open((Path(41) + "/labels").c_str(), O_RDONLY | O_CLOEXEC));
  umount2(Path(42).c_str(), MNT_FORCE);
  for (std::size_t i = 0; i < 100; ++i) {
    if (i != 42) volumes_[i]->Publish(Version("two"), "2");
  }
  for (std::size_t i = 0; i < 100; ++i) {
    if (i == 42) continue;
    EXPECT_TRUE(Shows(i, "two")) << i;
    EXPECT_EQ(volumes_[i]->without_events(), 0u) << i;
  }
  char byte = 0;
  EXPECT_EQ(pread(held.get(), &byte, 1, 0), 1);
}

TEST_F(ManyVolumesTest, AnUnmountCutsOffItsUsersAtOnce) {
  Mount(2);
  const OwnedFd root(open(Path(0).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  volumes_[0]->Publish(Version("two"), "2");  // leaves a task for two seconds later
  EXPECT_TRUE(Shows(0, "two"));
  volumes_[0]->Unmount();
  EXPECT_EQ(openat(root.get(), "never looked up", O_RDONLY), -1);
  EXPECT_EQ(errno, ENOTCONN);
  EXPECT_EQ(Read(1), "one");
}

// Somebody else unmounted it lazily, and still uses it.
TEST_F(ManyVolumesTest, AnUnmountCutsOffWhoHoldsADetachedMount) {
  Mount(1);
  const OwnedFd root(open(Path(0).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(umount2(Path(0).c_str(), MNT_DETACH), 0);
  volumes_[0]->Detach();
  const OwnedFd file(openat(root.get(), "labels", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(file);
  volumes_[0]->Unmount();
  EXPECT_EQ(openat(root.get(), "never looked up", O_RDONLY), -1);
  EXPECT_EQ(errno, ENOTCONN);
}

// The kernel gives the next mount the numbers of the one that went.
TEST_F(ManyVolumesTest, AVolumeThatWasLetGoOfDoesNotUnmountTheNextOne) {
  for (int i = 0; i < 20; ++i) {
    Mount(1);
    ASSERT_EQ(umount2(Path(0).c_str(), MNT_DETACH), 0);
    volumes_.back()->Detach();
  }
  Mount(1);
  const auto last = std::move(volumes_.back());
  volumes_.clear();
  EXPECT_EQ(Read(0), "one");
}

TEST_F(ManyVolumesTest, AMountWhoseUsersWereCutOffByForceIsUnmountedInTheEnd) {
  Mount(1);
  const OwnedFd busy(open(Path(0).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(umount2(Path(0).c_str(), MNT_FORCE), -1);
  ASSERT_EQ(errno, EBUSY);
  pollfd ended = {volumes_[0]->ended_fd(), POLLIN, 0};
  EXPECT_EQ(poll(&ended, 1, 20000), 1);
  volumes_.clear();
  EXPECT_TRUE(std::filesystem::is_empty(Path(0)));  // ENOTCONN while it is mounted
}

TEST_F(ManyVolumesTest, VersionsAndLookupsAreGivenBackAfterManyUpdates) {
  Mount(1);
  for (int i = 0; i < 500; ++i) {
    volumes_[0]->Publish(Version(std::to_string(i)), "2");
    ASSERT_TRUE(Shows(0, std::to_string(i)));
  }
  VolumeStats stats;
  for (int i = 0; i < 1000; ++i) {
    stats = volumes_[0]->stats();
    if (stats.versions == 1) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(stats.versions, 1u);
  EXPECT_LE(stats.lookups, 20u);
  EXPECT_EQ(stats.flips, 500u);
}

}  // namespace
}  // namespace downwardfs
