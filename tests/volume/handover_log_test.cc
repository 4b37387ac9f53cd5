// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/handover_log.h"

#include <gmock/gmock.h>

#include <random>

#include "fs/fuse/request_in_work.h"
#include "fs/volume/kubelet_layout.h"
#include "tests/volume/recorded_layout.h"

namespace downwardfs {
namespace {

using Kind = TreeChange::Kind;

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() : fd_(*HandoverMemory::Create()), memory_(*HandoverMemory::Map(fd_.get())) {}

  std::vector<std::uint64_t> Numbers() {
    std::vector<std::uint64_t> all;
    const HandoverLog journal(memory_);
    EXPECT_TRUE(journal.Read([&](RecordReader record, const HandoverLog::Place&) -> Status {
      all.push_back(record.Number());
      return {};
    }));
    return all;
  }

  OwnedFd fd_;
  HandoverMemory memory_;
};

TEST_F(JournalTest, RecordsCountOnceTheyAreCommitted) {
  HandoverLog journal(memory_);
  EXPECT_TRUE(journal.empty());
  journal.Add(RecordWriter().Number(1));
  EXPECT_TRUE(Numbers().empty());
  journal.Commit();
  journal.Add(RecordWriter().Number(2));
  EXPECT_THAT(Numbers(), ::testing::ElementsAre(1));
}

TEST_F(JournalTest, ACopyTakesThePlaceOfALongLogAtOnce) {
  HandoverLog journal(memory_);
  bool full = false;
  for (int i = 0; i < 100000 && !full; ++i) {
    journal.Add(RecordWriter().Number(7).Text("some bytes that fill the log"));
    full = journal.Commit();
  }
  ASSERT_TRUE(full);
  journal.BeginCopy();
  journal.Add(RecordWriter().Number(1));
  EXPECT_GT(Numbers().size(), 100u);  // the log still counts
  journal.EndCopy();
  EXPECT_THAT(Numbers(), ::testing::ElementsAre(1));
  HandoverLog next(memory_);
  next.Add(RecordWriter().Number(2));
  next.Commit();
  EXPECT_THAT(Numbers(), ::testing::ElementsAre(1, 2));
}

TEST_F(JournalTest, DamageIsFound) {
  HandoverLog journal(memory_);
  journal.Add(RecordWriter().Number(1).Text("text"));
  journal.Commit();
  memory_.area(memory_.header().current)[20] ^= 1;
  const auto read =
      journal.Read([](RecordReader, const HandoverLog::Place&) -> Status { return {}; });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kFailedPrecondition);
}

TEST_F(JournalTest, AnAreaThatIsFullMakesTheMemoryUnfitUntilACopyFits) {
  HandoverLog journal(memory_);
  const std::string large(8 << 20, 'x');
  journal.Add(RecordWriter().Number(7));
  journal.Commit();
  for (int i = 0; i < 9; ++i) journal.Add(RecordWriter().Text(large));
  const auto mapped = HandoverMemory::Map(fd_.get());
  ASSERT_FALSE(mapped);
  EXPECT_EQ(mapped.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(journal.Commit());
  journal.BeginCopy();
  for (int i = 0; i < 9; ++i) journal.Add(RecordWriter().Text(large));
  journal.EndCopy();  // nor does this
  EXPECT_FALSE(HandoverMemory::Map(fd_.get()));
  EXPECT_THAT(Numbers(), ::testing::ElementsAre(7));
  EXPECT_FALSE(journal.Commit());  // a copy of so much is not tried at each change
  bool again = false;
  for (int i = 0; i < 5000 && !again; ++i) again = journal.Commit();
  ASSERT_TRUE(again);
  journal.BeginCopy();
  journal.Add(RecordWriter().Number(8));
  journal.EndCopy();
  EXPECT_TRUE(HandoverMemory::Map(fd_.get()));
  EXPECT_THAT(Numbers(), ::testing::ElementsAre(8));
}

// Four times as much would not fit.
TEST_F(JournalTest, ALargeStateIsCopiedInTime) {
  HandoverLog journal(memory_);
  const std::string large(8 << 20, 'x');
  const std::string change(1 << 20, 'y');
  journal.BeginCopy();
  for (int i = 0; i < 5; ++i) journal.Add(RecordWriter().Text(large));
  journal.EndCopy();
  for (int copies = 0; copies < 3; ++copies) {
    bool full = false;
    for (int i = 0; i < 100 && !full; ++i) {
      journal.Add(RecordWriter().Text(change));
      full = journal.Commit();
    }
    EXPECT_TRUE(full);
    EXPECT_TRUE(HandoverMemory::Map(fd_.get()));
    journal.BeginCopy();
    for (int i = 0; i < 5; ++i) journal.Add(RecordWriter().Text(large));
    journal.EndCopy();
  }
}

// Nodes that record all they do, and what another process makes of it.
class RecordedNodesTest : public RecordedLayoutTest<KubeletLayout> {
 protected:
  static VolumeVersionPtr Version(int number) {
    const std::string n = std::to_string(number);
    return VolumeVersion::Make({{"d/b", "b" + n, 0400, "s", ""},
                                {"a", "a" + n, 0644, "", ""},
                                {number % 3 == 0 ? "x" : "y", "", 0644, "", ""}},
                               "..v" + n, std::chrono::system_clock::now());
  }
  // Everything that can be asked, as text.
  static std::string Describe(KubeletLayout& nodes) {
    const std::string all = DescribeInodes(nodes);
    const VolumeStats stats = nodes.GetStats();
    return all + std::to_string(stats.lookups) + " " + std::to_string(stats.versions) + " " +
           std::to_string(stats.flips) + " " + stats.data_dir + " " + stats.resource_version;
  }
};

TEST_F(RecordedNodesTest, AfterAnyRowOfRequestsASuccessorKnowsTheSame) {
  std::mt19937 random(1);
  nodes_.Show(nodes_.Stage(Version(0), "0"));
  std::vector<InodeId> known = {kRootInode};
  std::optional<KubeletLayout::Flip> flip;
  for (int i = 1; i < 600; ++i) {
    const InodeId node = known[random() % known.size()];
    static constexpr const char* kNames[] = {"..data", "a", "d", "b", "x", "y", "..v0", "nope"};
    switch (random() % 8) {
      case 0:
        flip = nodes_.Stage(Version(i), std::to_string(i));
        Make({Kind::kMakeDirectory, kRootInode, flip->data_dir, ""});
        break;
      case 1:
        if (flip) Make({Kind::kMakeLink, kRootInode, "..data_tmp", ""});
        break;
      case 2:
        if (!flip) break;
        Make({Kind::kRename, kRootInode, "..data_tmp", "..data"});
        for (const auto& name : flip->new_links) Make({Kind::kMakeLink, kRootInode, name, ""});
        for (const auto& name : flip->gone_links) Make({Kind::kUnlink, kRootInode, name, ""});
        for (const auto& file : nodes_.KnownFiles(flip->retires)) Make(file.removal);
        flip.reset();
        break;
      case 3:
        for (const auto& [version, name] : nodes_.RetiredVersions()) {
          nodes_.Orphan(version);
          nodes_.ShowAlias(version);
          if (random() % 2 == 0) Make({Kind::kRemoveDirectory, kRootInode, name, ""});
        }
        break;
      case 4:
        nodes_.ForgetOne(node, 1);
        break;
      default:
        if (const auto found = nodes_.Lookup(node, kNames[random() % 8]))
          known.push_back(found->id);
    }
    if (i % 20 == 0) {
      ASSERT_EQ(Describe(*Successor()), Describe(nodes_)) << "step " << i;
    }
  }
}

TEST_F(RecordedNodesTest, ALookupThatWasNotAnsweredIsTakenBackOnce) {
  nodes_.Show(nodes_.Stage(Version(1), ""));
  request_in_work = {2, 77};
  nodes_.Lookup(kRootInode, "a");
  request_in_work = {};
  const std::uint64_t before = nodes_.GetStats().lookups;
  const auto next = Successor();
  EXPECT_TRUE(next->WasDone(77));
  next->TakeBack(78);
  EXPECT_EQ(next->GetStats().lookups, before);
  next->TakeBack(77);
  next->TakeBack(77);
  EXPECT_EQ(next->GetStats().lookups, before - 1);
  // Nor does the one after it take it back again.
  KubeletLayout third{Ownership{}, {}};
  ASSERT_TRUE(third.UseLog(std::make_unique<HandoverLog>(memory_)));
  third.TakeBack(77);
  EXPECT_EQ(third.GetStats().lookups, before - 1);
}

TEST_F(RecordedNodesTest, WhatIsArmedStaysArmed) {
  nodes_.Show(nodes_.Stage(Version(1), ""));
  const auto flip = nodes_.Stage(Version(2), "");
  const TreeChange change = {Kind::kMakeDirectory, kRootInode, flip.data_dir, ""};
  nodes_.Arm(change);
  const auto next = Successor();
  EXPECT_TRUE(next->Apply(change));
  EXPECT_EQ(next->UnfinishedDirectory(), flip.data_dir);
}

}  // namespace
}  // namespace downwardfs
