// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/publisher.h"

#include <gmock/gmock.h>

namespace downwardfs {
namespace {

using ::testing::ElementsAre;

class RecordingNotifier final : public KernelNotifier {
 public:
  void InvalidateName(const std::string& name) override { Add(name); }
  void InvalidateRoot() override { Add("/"); }

  std::vector<std::string> WaitFor(std::size_t calls) {
    MutexLock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (calls_.size() < calls && changed_.WaitUntil(mutex_, deadline)) {
    }
    return calls_;
  }

 private:
  void Add(std::string call) {
    MutexLock lock(mutex_);
    calls_.push_back(std::move(call));
    changed_.NotifyAll();
  }
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> calls_ GUARDED_BY(mutex_);
};

VolumeVersionPtr Version(const std::string& name) {
  return VolumeVersion::Make({}, name, std::chrono::system_clock::now());
}

TEST(PublisherTest, NamesAreInvalidatedAtOnceAndTheOldDirectoryAfterTheGraceTime) {
  NodeTable nodes(Ownership{}, std::chrono::system_clock::now());
  RecordingNotifier notifier;
  nodes.Install(Version("..v1"), "");
  Publisher publisher(nodes, notifier);
  const auto before = std::chrono::steady_clock::now();
  publisher.Enqueue(nodes.Install(Version("..v2"), ""));
  EXPECT_THAT(notifier.WaitFor(2), ElementsAre("..data", "/"));
  EXPECT_TRUE(nodes.Lookup(kRootNode, "..v1"));  // a reader that has just followed ..data
  EXPECT_THAT(notifier.WaitFor(3), ElementsAre("..data", "/", "..v1"));
  EXPECT_GE(std::chrono::steady_clock::now() - before, Publisher::kGraceTime);
  EXPECT_FALSE(nodes.Lookup(kRootNode, "..v1"));
  EXPECT_EQ(publisher.published(), 1u);
}

TEST(PublisherTest, TheDestructorSendsWhatIsQueued) {
  NodeTable nodes(Ownership{}, std::chrono::system_clock::now());
  RecordingNotifier notifier;
  nodes.Install(Version("..v1"), "");
  {
    Publisher publisher(nodes, notifier);
    publisher.Enqueue(nodes.Install(Version("..v2"), ""));
  }
  EXPECT_THAT(notifier.WaitFor(2), ElementsAre("..data", "/"));
}

}  // namespace
}  // namespace downwardfs
