// SPDX-License-Identifier: Apache-2.0
// The handover memory is a format between builds: records written number by number, as
// docs/handover.md has them and as builds before this one wrote them, are understood.
#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "fs/volume/kubelet_layout.h"
#include "fs/volume/live_layout.h"

namespace downwardfs {
namespace {

class HandoverFormatTest : public ::testing::Test {
 public:
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
  // The rename that was armed takes effect.
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

// Every record here has a good checksum; together they make no sense. None may crash a daemon.
class SenselessTest : public HandoverFormatTest {
 public:
  void AddLiveInode(std::uint64_t id, std::uint64_t version, std::uint64_t entry,
                    std::uint64_t parent, std::uint64_t named, std::uint64_t pending) {
    log_.Add(RecordWriter()
                 .Number(12)
                 .Number(id)
                 .Number(version)
                 .Number(entry)
                 .Number(parent)
                 .Number(named)
                 .Number(pending)
                 .Number(1)
                 .Number(1000));
  }
  void AddLiveRoot(std::uint64_t version, std::uint64_t next) {
    log_.Add(RecordWriter().Number(17).Number(version).Text("").Number(next).Number(1).Number(0));
  }
  // A version with the files `a` and `d/b`: entries 1, 2 (a directory), 3.
  void AddLiveVersion() {
    log_.Add(
        File(File(RecordWriter().Number(11).Number(1).Number(1000).Text("").Number(2), "a", "one"),
             "d/b", "two"));
    AddLiveInode(1, 1, 0, 0, 1, 0);
  }
  void AddLink(std::uint64_t id, const char* name) {
    log_.Add(RecordWriter().Number(4).Number(id).Text(name).Number(0).Number(1).Number(1000));
  }
  void ExpectRefused(VolumeLayout& layout, const char* what) {
    log_.Commit();
    const auto read = layout.ResumeFrom(std::make_unique<HandoverLog>(memory_));
    ASSERT_FALSE(read) << what;
    EXPECT_EQ(read.error().code, ErrorCode::kFailedPrecondition) << what;
  }
};

TEST_F(SenselessTest, InTheLiveLayoutItIsRefused) {
  struct Inode {
    std::uint64_t id, version, entry, parent, named, pending;
  };
  struct Case {
    const char* what;
    std::vector<Inode> inodes;
    std::uint64_t next = 9;
    int versions = 1;
    bool root = true;
  };
  const std::vector<Case> cases = {
      {"nothing", {}, 0, 0, false},
      {"no root", {}, 9, 0},
      {"root is a file", {{1, 1, 1, 0, 1, 0}}},
      {"parent is missing", {{5, 1, 1, 4, 1, 0}}},
      {"pending parent is missing", {{5, 1, 1, 4, 0, 1}}},
      {"parent is a file", {{2, 1, 1, 1, 1, 0}, {3, 1, 3, 2, 1, 0}}},
      {"parent is pending", {{2, 1, 2, 1, 0, 1}, {3, 1, 3, 2, 1, 0}}},
      {"parent is held", {{2, 1, 2, 1, 0, 0}, {3, 1, 3, 2, 1, 0}}},
      {"a name twice", {{2, 1, 1, 1, 1, 0}, {3, 1, 1, 1, 1, 0}}},
      {"no name", {{2, 1, 0, 1, 1, 0}}},
      {"inode 0", {{0, 1, 1, 1, 0, 0}}},
      {"beyond the last", {{9, 1, 1, 1, 1, 0}}},
      {"a number that nobody gives", {}, ~std::uint64_t{0}},
      {"a version twice", {}, 9, 2},
  };
  for (const Case& row : cases) {
    log_.BeginCopy();
    for (int i = 0; i < row.versions; ++i) AddLiveVersion();
    for (const Inode& in : row.inodes) {
      AddLiveInode(in.id, in.version, in.entry, in.parent, in.named, in.pending);
    }
    if (row.root) AddLiveRoot(1, row.next);
    log_.EndCopy();
    LiveLayout layout(Ownership{}, {});
    ExpectRefused(layout, row.what);
  }
}

TEST_F(SenselessTest, InTheKubeletsLayoutItIsRefused) {
  using Add = std::function<void(SenselessTest&)>;
  const auto good = [](SenselessTest& t) {
    t.AddVersion(1, 2, "..v1", "x");
    t.AddState(2, 1, 0);
  };
  const std::vector<std::pair<const char*, Add>> cases = {
      {"nothing", [](SenselessTest&) {}},
      {"nothing shown",
       [&](SenselessTest& t) {
         good(t);
         t.AddRoot(0, 0, 8, false);
       }},
      {"the shown one has no name",
       [](SenselessTest& t) {
         t.AddVersion(1, 2, "..v1", "x");
         t.AddState(2, 0, 0);
         t.AddRoot(2, 0, 8, false);
       }},
      {"the staged one is shown",
       [&](SenselessTest& t) {
         good(t);
         t.AddRoot(2, 2, 8, true);
       }},
      {"the root's own inode",
       [](SenselessTest& t) {
         t.AddVersion(1, 1, "..v1", "x");
         t.AddState(1, 1, 0);
         t.AddRoot(1, 0, 8, false);
       }},
      {"inodes that wrap around",
       [](SenselessTest& t) {
         t.AddVersion(1, ~std::uint64_t{0} - 2, "..v1", "x");
         t.AddState(~std::uint64_t{0} - 2, 1, 0);
         t.AddRoot(~std::uint64_t{0} - 2, 0, ~std::uint64_t{0}, false);
       }},
      {"a data directory of that name",
       [](SenselessTest& t) {
         t.AddVersion(1, 2, "..data", "x");
         t.AddState(2, 1, 0);
         t.AddRoot(2, 0, 8, false);
       }},
      {"a data directory elsewhere",
       [](SenselessTest& t) {
         t.AddVersion(1, 2, "../../etc", "x");
         t.AddState(2, 1, 0);
         t.AddRoot(2, 0, 8, false);
       }},
      {"two data directories of one name",
       [&](SenselessTest& t) {
         good(t);
         t.AddVersion(1, 8, "..v1", "y");
         t.AddState(8, 1, 0);
         t.AddRoot(2, 0, 14, false);
       }},
      {"a link that is a version's",
       [&](SenselessTest& t) {
         good(t);
         t.AddLink(4, "a");
         t.AddRoot(2, 0, 8, false);
       }},
      {"a link twice",
       [&](SenselessTest& t) {
         good(t);
         t.AddLink(8, "a");
         t.AddLink(9, "a");
         t.AddRoot(2, 0, 10, false);
       }},
      {"a link without a name",
       [&](SenselessTest& t) {
         good(t);
         t.AddLink(8, "");
         t.AddRoot(2, 0, 10, false);
       }},
      {"an unknown change is armed",
       [&](SenselessTest& t) {
         good(t);
         t.AddRoot(2, 0, 8, false);
         t.log_.Add(RecordWriter().Number(6).Number(99).Number(1).Text("a").Text(""));
       }},
  };
  for (const auto& [what, add] : cases) {
    log_.BeginCopy();
    add(*this);
    log_.EndCopy();
    KubeletLayout layout(Ownership{}, {});
    ExpectRefused(layout, what);
  }
}

TEST_F(SenselessTest, FilesThatAreNoTreeAreRefused) {
  const std::vector<std::vector<const char*>> trees = {{"a", "a"}, {"a", "a/b"}, {"a/b", "a/b/c"},
                                                       {""},       {"/a"},       {"a/"},
                                                       {"a//b"},   {".."},       {"a/../b"}};
  for (const auto& paths : trees) {
    RecordWriter record = RecordWriter().Number(1).Text("..v1").Number(paths.size());
    for (const char* const path : paths) record = File(std::move(record), path, "");
    RecordReader reader(record.bytes());
    EXPECT_EQ(ReadVersion(reader), nullptr) << paths.back();
  }
  // More files than there are bytes.
  const RecordWriter many = RecordWriter().Number(1).Text("..v1").Number(~std::uint64_t{0});
  RecordReader reader(many.bytes());
  EXPECT_EQ(ReadVersion(reader), nullptr);
}

}  // namespace
}  // namespace downwardfs
