// SPDX-License-Identifier: Apache-2.0
// Each way in which editors and tools save a file.
#include <fcntl.h>
#include <unistd.h>

#include "tests/sources/file_source_fixture.h"

namespace downwardfs {
namespace {

TEST_F(FileSourceTest, RenameOverShows) {
  Write(file_, PodYaml("1"));
  Follow();
  WriteAndRename(PodYaml("2"));
  EXPECT_TRUE(events_.WaitForLast("2"));
  WriteAndRename(PodYaml("3"));
  EXPECT_TRUE(events_.WaitForLast("3"));
  EXPECT_EQ(events_.all(), (std::vector<std::string>{"2", "3"}));
}

TEST_F(FileSourceTest, TruncateAndWriteInTwoChunksShowsOnlyTheWhole) {
  Write(file_, PodYaml("1"));
  Follow();
  const std::string first = PodYaml("2");  // a valid pod by itself
  const std::string second = "---\n" + PodYaml("x", "other");
  {
    const OwnedFd fd(open(file_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    ASSERT_EQ(write(fd.get(), first.data(), first.size()), static_cast<ssize_t>(first.size()));
    ASSERT_EQ(write(fd.get(), second.data(), second.size()), static_cast<ssize_t>(second.size()));
  }
  EXPECT_TRUE(events_.WaitForLast("2"));
  EXPECT_TRUE(source_->Get({"Pod", "default", "other", ""}));
  EXPECT_EQ(LogLinesWith("cannot be used"), 0U);
}

TEST_F(FileSourceTest, AWriterThatNeverClosesIsReadWhenItIsQuiet) {
  Write(file_, PodYaml("1"));
  Follow();
  const std::string text = PodYaml("2");
  const OwnedFd fd(open(file_.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_TRUE(events_.WaitForLast("2"));
}

TEST_F(FileSourceTest, VimsBackupAndNewFileShows) {
  Write(file_, PodYaml("1"));
  Follow();
  fs::rename(file_, directory_ / "pod.yaml~");
  Write(file_, PodYaml("2"));
  fs::remove(directory_ / "pod.yaml~");
  EXPECT_TRUE(events_.WaitForLast("2"));
  EXPECT_EQ(events_.all(), std::vector<std::string>{"2"});
  // The new inode is watched as the old one was.
  Write(file_, PodYaml("3"));
  EXPECT_TRUE(events_.WaitForLast("3"));
}

TEST_F(FileSourceTest, SedInPlaceShows) {
  Write(file_, PodYaml("1"));
  Follow();
  ASSERT_EQ(std::system(("sed -i 's/\"1\"/\"2\"/' " + file_.string()).c_str()), 0);  // NOLINT
  EXPECT_TRUE(events_.WaitForLast("2"));
}

TEST_F(FileSourceTest, ASymlinkSwappedInTheMiddleOfThePathShows) {
  // A ConfigMap's volume: pod.yaml -> ..data/pod.yaml, ..data -> v1.
  fs::create_directory(directory_ / "v1");
  fs::create_directory(directory_ / "v2");
  Write(directory_ / "v1" / "pod.yaml", PodYaml("1"));
  Write(directory_ / "v2" / "pod.yaml", PodYaml("2"));
  fs::create_directory_symlink("v1", directory_ / "..data");
  fs::create_symlink("..data/pod.yaml", file_);
  Follow();
  fs::create_directory_symlink("v2", directory_ / "..data_tmp");
  fs::rename(directory_ / "..data_tmp", directory_ / "..data");
  ASSERT_TRUE(events_.WaitForLast("2"));
  fs::remove_all(directory_ / "v1");
  // The new target is followed from now on.
  Write(directory_ / "v2" / "pod.yaml", PodYaml("3"));
  EXPECT_TRUE(events_.WaitForLast("3"));
  EXPECT_EQ(LogLinesWith("cannot be used"), 0U);
}

TEST_F(FileSourceTest, ALinkToAFileElsewhereIsFollowed) {
  fs::create_directory(directory_ / "elsewhere");
  Write(directory_ / "elsewhere" / "a", PodYaml("1"));
  fs::create_symlink(directory_ / "elsewhere" / "a", file_);
  Follow();
  Write(directory_ / "elsewhere" / "a", PodYaml("2"));
  EXPECT_TRUE(events_.WaitForLast("2"));
}

TEST_F(FileSourceTest, AnEditThroughAnotherHardLinkShows) {
  Write(file_, PodYaml("1"));
  fs::create_directory(directory_ / "elsewhere");
  fs::create_hard_link(file_, directory_ / "elsewhere" / "a");
  Follow();
  Write(directory_ / "elsewhere" / "a", PodYaml("2"));
  EXPECT_TRUE(events_.WaitForLast("2"));
}

TEST_F(FileSourceTest, ADirectoryMadeAnewIsFollowed) {
  fs::create_directories(directory_ / "a" / "b");
  Write(directory_ / "a" / "b" / "pod.yaml", PodYaml("1"));
  Follow(directory_ / "a" / "b" / "pod.yaml");
  fs::remove_all(directory_ / "a");
  const SourceState state = WaitForConnected(false);
  EXPECT_NE(state.last_error.find("No such file"), std::string::npos);
  EXPECT_TRUE(source_->Get({"Pod", "default", "web", ""}));
  fs::create_directories(directory_ / "a" / "b");
  Write(directory_ / "a" / "b" / "pod.yaml", PodYaml("2"));
  EXPECT_TRUE(events_.WaitForLast("2"));
  WaitForConnected(true);
}

}  // namespace
}  // namespace downwardfs
