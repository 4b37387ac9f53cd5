// SPDX-License-Identifier: Apache-2.0
// Old versions that somebody holds: how much of the handover memory they may take, and that the
// state is copied without the lock that requests wait for.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "fs/volume/kubelet_layout.h"
#include "fs/volume/live_layout.h"

namespace downwardfs {
namespace {

constexpr std::size_t kContent = std::size_t{1} << 20;
constexpr int kVersions = 100;  // of 1 MiB each: more than an area has

class HeldVersionsTest : public ::testing::Test {
 protected:
  static VolumeVersionPtr Version(int number) {
    const std::string n = std::to_string(number);
    return VolumeVersion::Make({{"a", n + std::string(kContent, 'x'), 0644, "", ""}}, "..v" + n,
                               std::chrono::system_clock::now());
  }
  template <class Layout>
  void ExpectASuccessor() {
    ASSERT_TRUE(HandoverMemory::Map(fd_.get()));
    Layout next{Ownership{}, {}};
    const auto read = next.ResumeFrom(std::make_unique<HandoverLog>(memory_));
    EXPECT_TRUE(read) << read.error().message;
  }

  const OwnedFd fd_ = *HandoverMemory::Create();
  const HandoverMemory memory_ = *HandoverMemory::Map(fd_.get());
};

TEST_F(HeldVersionsTest, TheOldestGoFirst) {
  KubeletLayout layout{Ownership{}, std::chrono::system_clock::now()};
  ASSERT_TRUE(layout.UseLog(std::make_unique<HandoverLog>(memory_)));
  std::vector<InodeId> held;  // as by an open directory with O_PATH
  for (int i = 0; i < kVersions; ++i) {
    layout.Show(layout.Stage(Version(i), ""));
    const auto data = layout.Lookup(kRootInode, "..v" + std::to_string(i));
    ASSERT_TRUE(data);
    held.push_back(layout.Lookup(data->id, "a")->id);
  }
  EXPECT_FALSE(layout.File(held.front()));  // ESTALE
  ASSERT_TRUE(layout.File(held[kVersions - 10]));
  EXPECT_EQ(layout.File(held[kVersions - 10])->content().size(), kContent + 2);
  const VolumeStats stats = layout.GetStats();
  EXPECT_GT(stats.versions_dropped, 0u);
  EXPECT_FALSE(stats.log_full);
  EXPECT_EQ(stats.log_limit, kAreaBytes);
  ExpectASuccessor<KubeletLayout>();
  for (const InodeId id : held) layout.ForgetOne(id, 1);  // also of those that have gone
  ExpectASuccessor<KubeletLayout>();
}

TEST_F(HeldVersionsTest, TheOldestOpenFilesGoFirst) {
  LiveLayout layout{Ownership{}, std::chrono::system_clock::now()};
  ASSERT_TRUE(layout.UseLog(std::make_unique<HandoverLog>(memory_)));
  std::vector<std::uint64_t> opens;
  for (int i = 0; i < kVersions; ++i) {
    layout.ShowNames(layout.Stage(Version(i), ""));
    opens.push_back(*layout.OpenFile(layout.Lookup(kRootInode, "a")->id));
  }
  EXPECT_FALSE(layout.Opened(opens.front()));
  EXPECT_TRUE(layout.Opened(opens[kVersions - 10]));
  EXPECT_GT(layout.GetStats().versions_dropped, 0u);
  EXPECT_FALSE(layout.GetStats().log_full);
  ExpectASuccessor<LiveLayout>();
  for (const std::uint64_t open : opens) layout.CloseFile(open);
  ExpectASuccessor<LiveLayout>();
}

TEST_F(HeldVersionsTest, AStateThatDoesNotFitIsSaid) {
  KubeletLayout layout{Ownership{}, std::chrono::system_clock::now()};
  ASSERT_TRUE(layout.UseLog(std::make_unique<HandoverLog>(memory_)));
  layout.Show(layout.Stage(Version(1), ""));
  EXPECT_FALSE(layout.GetStats().log_full);
  const std::string large(kAreaBytes, 'x');
  layout.Stage(VolumeVersion::Make({{"a", large, 0644, "", ""}}, "..large",
                                   std::chrono::system_clock::now()),
               "");
  EXPECT_TRUE(layout.GetStats().log_full);
}

// Requests go on while the copy is made; what the next daemon reads is what there was at the end.
TEST_F(HeldVersionsTest, ACopyIsMadeWhileRequestsGoOn) {
  KubeletLayout layout{Ownership{}, std::chrono::system_clock::now()};
  ASSERT_TRUE(layout.UseLog(std::make_unique<HandoverLog>(memory_)));
  int asked = 0;
  layout.CopyLater([&] { ++asked; });
  layout.Show(layout.Stage(Version(0), ""));
  for (int i = 1; i < 40; ++i) layout.Show(layout.Stage(Version(i), ""));
  EXPECT_EQ(asked, 1);  // and not again before it is made
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> lookups{0};
  std::thread reader([&] {
    while (!done) {
      if (layout.Lookup(kRootInode, "a")) ++lookups;
    }
  });
  for (int i = 40; i < 60; ++i) {
    layout.CopyRecords();
    layout.Show(layout.Stage(Version(i), ""));
    for (const auto& [version, name] : layout.RetiredVersions()) layout.Expire(version);
  }
  done = true;
  reader.join();
  layout.CopyRecords();
  KubeletLayout next{Ownership{}, {}};
  const auto read = next.ResumeFrom(std::make_unique<HandoverLog>(memory_));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(next.GetStats().lookups, lookups);
  EXPECT_EQ(next.GetStats().lookups, layout.GetStats().lookups);
  EXPECT_EQ(next.GetStats().versions, layout.GetStats().versions);
  EXPECT_EQ(next.GetStats().data_dir, "..v59");
}

// A walk that comes too late for a name is sent round again, also if the daemon that has removed
// the name is dead by then.
TEST_F(HeldVersionsTest, AWalkIsSentRoundAgainByTheNextDaemonToo) {
  KubeletLayout layout{Ownership{}, std::chrono::system_clock::now()};
  ASSERT_TRUE(layout.UseLog(std::make_unique<HandoverLog>(memory_)));
  layout.Show(layout.Stage(Version(1), ""));
  const std::string before = "..2026_11_22_13_53_32.213006449";
  EXPECT_FALSE(layout.LeadsElsewhere(kRootInode, before, 7)) << "no daemon was before this one";
  KubeletLayout next{Ownership{}, {}};
  ASSERT_TRUE(next.ResumeFrom(std::make_unique<HandoverLog>(memory_)));
  EXPECT_FALSE(next.Lookup(kRootInode, before));
  for (const pid_t thread : {7, 8}) {
    EXPECT_TRUE(next.LeadsElsewhere(kRootInode, before, thread));
    EXPECT_FALSE(next.LeadsElsewhere(kRootInode, before, thread));
  }
  const std::string staged = "..2026_11_22_13_53_33.213006449";
  next.Stage(VolumeVersion::Make({{"a", "2", 0644, "", ""}}, staged, {}), "");
  EXPECT_FALSE(next.LeadsElsewhere(kRootInode, staged, 7)) << "it is about to be made";
  for (int i = 0; i < 100; ++i) {  // made-up names
    const std::string name = "..2026_11_22_13_53_32.1" + std::to_string(10000000 + i);
    EXPECT_TRUE(next.LeadsElsewhere(kRootInode, name, 7));
  }
  EXPECT_FALSE(next.LeadsElsewhere(kRootInode, "..2026", 7));
}

}  // namespace
}  // namespace downwardfs
