// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/inode_table.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

namespace downwardfs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

KnownInode FileAt(const std::string& path, std::uint64_t owner) {
  KnownInode inode;
  inode.path = path;
  inode.type = S_IFREG;
  inode.owner = owner;
  return inode;
}

// An unchanged file comes back under its id after each change of its object: a thousand times
// lookup, change, lookup, forget leave nothing behind.
TEST(InodeTableTest, AFileThatIsFoundAgainTakesNoSecondPlace) {
  InodeTable table;
  for (int i = 0; i < 1000; ++i) {
    const InodeId a = table.Add(FileAt("a", 1));
    const InodeId b = table.Add(FileAt("b", 1));
    table.Disown(a);
    EXPECT_EQ(table.Add(FileAt("a", 1)), a);
    EXPECT_EQ(table.Add(FileAt("a", 1)), a);
    EXPECT_EQ(table.leaves(), 2U);
    table.Forget(a, 3);
    if (i % 2 == 0) table.Forget(b, 1);
    EXPECT_LE(table.leaves(), 1U);
  }
}

// Rule: what was found first goes first, and what was found again, after its name had been taken
// back, was found last.
TEST(InodeTableTest, TheOldestGoFirst) {
  InodeTable table;
  const InodeId a = table.Add(FileAt("a", 1));
  const InodeId b = table.Add(FileAt("b", 2));
  const InodeId c = table.Add(FileAt("c", 3));
  table.Add(FileAt("a", 1));  // another lookup of what is known changes nothing
  EXPECT_THAT(table.Oldest(2), IsEmpty());
  EXPECT_THAT(table.Oldest(1), ElementsAre(a));
  table.Disown(a);
  table.Add(FileAt("a", 1));
  EXPECT_THAT(table.Oldest(1), ElementsAre(b));
  table.Forget(b, 1);
  table.Add(FileAt("d", 3));
  EXPECT_THAT(table.Oldest(1), ElementsAre(c));
  EXPECT_EQ(table.FilesOf(3).size(), 2U);
}

// Somebody may stand in a directory: it is known, and none of these. A link is one.
TEST(InodeTableTest, LinksCountAndDirectoriesDoNot) {
  InodeTable table;
  KnownInode inode = FileAt("by-ip/10.0.0.1", 0);
  inode.type = S_IFLNK;
  const InodeId link = table.Add(inode);
  EXPECT_EQ(table.leaves(), 1U);
  table.Disown(link);
  EXPECT_EQ(table.leaves(), 0U);
  EXPECT_EQ(table.Add(inode), link);
  EXPECT_EQ(table.leaves(), 1U);
  table.Forget(link, 2);
  inode = FileAt("labels.d", 0);
  inode.type = S_IFDIR;
  const InodeId directory = table.Add(inode);
  table.Disown(directory);
  EXPECT_EQ(table.leaves(), 0U);
  table.Forget(directory, 1);
  EXPECT_EQ(table.size(), 0U);
}

}  // namespace
}  // namespace downwardfs
