// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/mount_point.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"

namespace downwardfs {
namespace {

TEST(OpenMountPointTest, GivesTheRealPathOfADirectory) {
  const testing::TempDir dir;
  const std::string target = dir.MakeDir("target");
  ASSERT_EQ(symlink("target", (dir / "link").c_str()), 0);
  const auto checked = OpenMountPoint(dir / "link");
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->path, target);
  EXPECT_TRUE(checked->directory);
}

TEST(OpenMountPointTest, SaysWhatStandsInTheWay) {
  const testing::TempDir dir;
  const auto missing = OpenMountPoint(dir / "missing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().message,
            "mount point " + (dir / "missing") + ": No such file or directory");
  const auto file = OpenMountPoint(dir.Write("file", ""));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument);
  const auto busy = OpenMountPoint("/proc");
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(
      busy.error().message,
      "mount point /proc: busy: proc is mounted there already (--over-mounts mounts over it)");
}

}  // namespace
}  // namespace downwardfs
