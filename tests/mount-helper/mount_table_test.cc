// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/mount_table.h"

#include <gtest/gtest.h>

namespace downwardfs {
namespace {

TEST(ParseMountInfoTest, FieldsAreThoseOfProc5) {
  const auto entries = ParseMountInfo(
      "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n"
      "40 35 0:45 / /tmp/a\\040b\\011c\\134d ro,nosuid - fuse.downwardfs downwardfs:ns/p ro\n");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].mount_point, "/mnt2");
  EXPECT_EQ(entries[0].fs_type, "ext3");
  EXPECT_FALSE(IsDownwardfs(entries[0]));
  EXPECT_EQ(entries[1].id, 40);
  EXPECT_EQ(entries[1].device, "0:45");
  EXPECT_EQ(entries[1].mount_point, "/tmp/a b\tc\\d");
  EXPECT_EQ(entries[1].options, "ro,nosuid");
  EXPECT_EQ(entries[1].source, "downwardfs:ns/p");
  EXPECT_TRUE(IsDownwardfs(entries[1]));
}

TEST(ParseMountInfoTest, LinesWithoutTheFormAreLeftOut) {
  EXPECT_TRUE(ParseMountInfo("").empty());
  EXPECT_TRUE(ParseMountInfo("x\n\n36\n36 35 98:0 / /mnt rw\n").empty());
  EXPECT_EQ(ParseMountInfo("junk\n1 2 0:1 / / rw - tmpfs none rw").size(), 1u);
}

TEST(UncoveredPathTest, IsThatOfOurMountAndOfNoOther) {
  const auto table = ParseMountInfo(
      "36 25 0:45 / /mnt ro - fuse.downwardfs downwardfs:ns/p ro\n"
      "37 36 0:46 / /mnt rw - tmpfs none rw\n"
      "38 25 0:47 / /moved ro - fuse.downwardfs downwardfs:ns/q ro\n"
      "39 38 0:48 / /moved/labels ro - tmpfs none rw\n");
  EXPECT_EQ(UncoveredPath(table, 36, "0:45"), std::nullopt);  // another lies over it
  EXPECT_EQ(UncoveredPath(table, 37, "0:46"), "/mnt");
  EXPECT_EQ(UncoveredPath(table, 38, "0:47"), "/moved");
  EXPECT_EQ(UncoveredPath(table, 38, "0:45"), std::nullopt);  // the id is somebody else's now
  EXPECT_EQ(UncoveredPath(table, 40, "0:47"), std::nullopt);
}

TEST(TopMountTest, IsTheMountThatNoOtherCovers) {
  const auto table = ParseMountInfo(
      "20 20 0:1 / / rw - rootfs none rw\n"
      "25 20 8:1 / / rw - ext4 /dev/sda rw\n"
      "40 25 0:46 / /mnt rw - tmpfs upper rw\n"
      "36 40 0:45 / /mnt ro - tmpfs moved rw\n"
      "60 50 0:47 / /beneath rw - tmpfs top rw\n"
      "50 25 0:48 / /beneath rw - tmpfs lower rw\n");
  EXPECT_EQ(TopMount(table, "/")->fs_type, "ext4");
  EXPECT_EQ(TopMount(table, "/mnt")->source, "moved") << "an older mount, moved over a newer one";
  EXPECT_EQ(TopMount(table, "/beneath")->source, "top");
  EXPECT_FALSE(TopMount(table, "/other"));
}

TEST(FindMountTest, FindsTheRootAndNoOrdinaryDirectory) {
  const auto proc = FindMount("/proc");
  ASSERT_TRUE(proc);
  ASSERT_TRUE(proc->has_value());
  EXPECT_EQ((*proc)->fs_type, "proc");
  const auto none = FindMount("/no/such/directory");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
}

}  // namespace
}  // namespace downwardfs
