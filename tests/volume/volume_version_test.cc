// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/volume_version.h"

#include <gtest/gtest.h>

namespace downwardfs {
namespace {

TEST(VolumeVersionTest, PathsBecomeSortedDirectories) {
  const auto version = VolumeVersion::Make({{"b/z", "1", 0400, "s", ""},
                                            {"a", "22", 0644, "", ""},
                                            {"b/c/d", "333", 0, "", ""},
                                            {"b-c", "", 0644, "", ""}},
                                           "..v", {});
  EXPECT_EQ(version->data_dir(), "..v");
  EXPECT_EQ(version->kept_bytes(), 6u);
  EXPECT_EQ(version->file_count(), 4u);
  const TreeEntry& root = version->entry(0);
  ASSERT_EQ(root.children.size(), 3u);
  EXPECT_EQ(root.subdirectories, 1u);
  EXPECT_EQ(version->entry(root.children[0]).name, "a");
  EXPECT_EQ(version->entry(root.children[1]).name, "b");
  EXPECT_EQ(version->entry(root.children[2]).name, "b-c");
  const auto b = *version->Child(0, "b");
  EXPECT_TRUE(version->entry(b).is_directory);
  EXPECT_EQ(version->entry(b).mode, 0755u);
  EXPECT_EQ(version->entry(b).children.size(), 2u);
  const auto d = *version->Child(*version->Child(b, "c"), "d");
  EXPECT_EQ((*version->Contents())[version->entry(d).file], "333");
  EXPECT_EQ(version->entry(d).mode, 0u);
  EXPECT_EQ(version->entry(*version->Child(b, "z")).source, "s");
  EXPECT_FALSE(version->Child(b, "nope"));
  EXPECT_FALSE(version->Child(d, "below a file"));
}

TEST(VolumeVersionTest, AVolumeMayBeEmpty) {
  const auto version = VolumeVersion::Make({}, "..v", {});
  EXPECT_EQ(version->size(), 1u);
  EXPECT_TRUE(version->entry(0).children.empty());
}

}  // namespace
}  // namespace downwardfs
