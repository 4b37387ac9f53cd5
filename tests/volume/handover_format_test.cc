// SPDX-License-Identifier: Apache-2.0
// The handover memory is a format between builds: records written number by number, as
// docs/handover.md has them and as builds before this one wrote them, are understood.
#include <gtest/gtest.h>

#include "fs/volume/kubelet_layout.h"
#include "fs/volume/live_layout.h"

namespace downwardfs {
namespace {

class HandoverFormatTest : public ::testing::Test {
 protected:
  static RecordWriter File(RecordWriter record, const char* path, const char* content) {
    return record.Text(path).Number(0644).Text("metadata.name").Text(content);
  }
  // A version with one file, `a`: two entries.
  void AddVersion(std::uint64_t record, std::uint64_t id, const char* dir, const char* content) {
    log_.Add(File(RecordWriter().Number(record).Number(id).Number(1000).Text(dir).Number(1), "a",
                  content));
  }
  // Base 2: `..data` is 2, the directory 3, `a` 4; the aliases are 5 to 7.
  void AddState(std::uint64_t base, std::uint64_t flags, std::uint64_t lookups_of_a) {
    log_.Add(RecordWriter()
                 .Number(2)
                 .Number(base)
                 .Number(flags)
                 .Text("77")
                 .Number(lookups_of_a)
                 .Number(3)
                 .Number(0)
                 .Number(0)
                 .Number(lookups_of_a)
                 .Text(""));
  }
  void AddRoot(std::uint64_t shown, std::uint64_t staged, std::uint64_t next, bool link) {
    log_.Add(RecordWriter()
                 .Number(5)
                 .Number(shown)
                 .Number(staged)
                 .Number(next)
                 .Number(2000)
                 .Number(3)
                 .Number(link ? 1 : 0));
  }
  Status Read(VolumeLayout& layout) {
    log_.Commit();
    return layout.UseLog(std::make_unique<HandoverLog>(memory_));
  }

  const OwnedFd fd_ = *HandoverMemory::Create();
  const HandoverMemory memory_ = *HandoverMemory::Map(fd_.get());
  HandoverLog log_{memory_};
};

TEST_F(HandoverFormatTest, TheKubeletsLayoutIsRead) {
  AddVersion(1, 2, "..v1", "old");
  AddState(2, 1 | 2 | 4, 5);  // named, orphaned, by alias
  AddVersion(1, 8, "..v2", "new");
  AddState(8, 1, 0);
  AddVersion(1, 14, "..v3", "next");
  AddState(14, 1, 0);
  log_.Add(RecordWriter().Number(4).Number(20).Text("a").Number(2).Number(1).Number(1500));
  log_.Add(RecordWriter().Number(4).Number(21).Text("gone").Number(1).Number(0).Number(1500));
  AddRoot(8, 14, 22, true);
  log_.Add(RecordWriter().Number(6).Number(4).Number(1).Text("..data_tmp").Text("..data"));
  log_.Add(RecordWriter().Number(7).Number(3).Number(99).Number(4));
  KubeletLayout layout(Ownership{}, {});
  const auto read = Read(layout);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(layout.ReadLink(layout.Lookup(kRootInode, "..data")->id), "..v2");
  EXPECT_EQ(layout.ReadLink(layout.Lookup(kRootInode, "..data_tmp")->id), "..v3");
  EXPECT_EQ(layout.UnfinishedDirectory(), "..v3");
  EXPECT_EQ(layout.Lookup(kRootInode, "..v1")->id, 6u);  // the directory's alias
  EXPECT_EQ(layout.Attr(3)->links, 0u);
  EXPECT_EQ(layout.File(4)->content(), "old");
  EXPECT_EQ(layout.File(10)->content(), "new");
  EXPECT_EQ(layout.GetStats().resource_version, "77");
  EXPECT_EQ(layout.GetStats().flips, 3u);
  EXPECT_EQ(layout.Lookup(kRootInode, "a")->id, 20u);
  EXPECT_EQ(layout.ReadLink(21), "..data/gone");
  EXPECT_EQ(layout.Attr(21)->links, 0u);
  EXPECT_EQ(layout.Armed(), (TreeChange{ChangeKind::kRename, kRootInode, "..data_tmp", "..data"}));
  const auto before = layout.GetStats().lookups;
  layout.TakeBack(99);
  EXPECT_EQ(layout.GetStats().lookups, before - 1);
  // What is dropped is gone.
  ASSERT_TRUE(layout.Apply({ChangeKind::kRename, kRootInode, "..data_tmp", "..data"}));
  EXPECT_EQ(layout.GetStats().data_dir, "..v3");
}

TEST_F(HandoverFormatTest, TheLiveLayoutIsRead) {
  AddVersion(11, 1, "", "one");
  const auto inode = [](std::uint64_t id, std::uint64_t entry, std::uint64_t parent) {
    return RecordWriter().Number(12).Number(id).Number(1).Number(entry).Number(parent);
  };
  log_.Add(inode(1, 0, 0).Number(1).Number(0).Number(0).Number(1000));
  log_.Add(inode(2, 1, 1).Number(1).Number(0).Number(3).Number(1000));
  log_.Add(inode(3, 1, 1).Number(0).Number(0).Number(1).Number(1000));  // held, without a name
  log_.Add(RecordWriter().Number(15).Number(9).Number(1).Number(1).Text("5"));
  log_.Add(RecordWriter().Number(15).Number(10).Number(1).Number(1).Text("5"));
  log_.Add(RecordWriter().Number(16).Number(10));
  log_.Add(RecordWriter().Number(17).Number(1).Text("6").Number(4).Number(11).Number(2));
  LiveLayout layout(Ownership{}, {});
  const auto read = Read(layout);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(layout.Lookup(kRootInode, "a")->id, 2u);
  EXPECT_EQ(layout.File(3)->content(), "one");
  EXPECT_EQ(layout.Attr(3)->links, 0u);
  EXPECT_EQ(layout.Opened(9)->resource_version, "5");
  EXPECT_FALSE(layout.Opened(10));
  EXPECT_EQ(layout.OpenFile(2), 11u);
  EXPECT_EQ(layout.GetStats().resource_version, "6");
  EXPECT_EQ(layout.GetStats().lookups, 5u);
}

TEST_F(HandoverFormatTest, ARecordThatIsNotKnownIsRefused) {
  AddVersion(1, 2, "..v1", "x");
  AddState(2, 1, 0);
  AddRoot(2, 0, 8, false);
  log_.Add(RecordWriter().Number(55).Number(1));
  KubeletLayout layout(Ownership{}, {});
  const auto read = Read(layout);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kFailedPrecondition);
}

TEST_F(HandoverFormatTest, ALogOfTheOtherLayoutIsRefused) {
  AddVersion(1, 2, "..v1", "x");
  AddState(2, 1, 0);
  AddRoot(2, 0, 8, false);
  LiveLayout layout(Ownership{}, {});
  EXPECT_FALSE(Read(layout));
}

TEST_F(HandoverFormatTest, AStateThatDoesNotFitItsVersionIsRefused) {
  for (const bool with_version : {false, true}) {
    const OwnedFd fd = *HandoverMemory::Create();
    const HandoverMemory memory = *HandoverMemory::Map(fd.get());
    HandoverLog log(memory);
    if (with_version) {
      log.Add(File(RecordWriter().Number(1).Number(2).Number(1).Text("..v").Number(1), "a", ""));
    }
    log.Add(RecordWriter().Number(2).Number(2).Number(1).Text("").Number(0).Number(7));
    log.Commit();
    KubeletLayout layout(Ownership{}, {});
    EXPECT_FALSE(layout.UseLog(std::make_unique<HandoverLog>(memory))) << with_version;
  }
}

}  // namespace
}  // namespace downwardfs
