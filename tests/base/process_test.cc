// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "tests/support/in_child.h"

namespace downwardfs {
namespace {

using testing::InChild;

TEST(ProcessTest, ItsOwnProgramIsAFile) {
  const auto path = OwnProgramPath();
  ASSERT_TRUE(path);
  EXPECT_EQ(access(path->c_str(), X_OK), 0) << *path;
}

TEST(ProcessTest, AProgramThatAnotherHasReplacedWasStartedFromTheSamePath) {
  EXPECT_EQ(StartedFrom("/usr/bin/downwardfs"), "/usr/bin/downwardfs");
  EXPECT_EQ(StartedFrom("/usr/bin/downwardfs (deleted)"), "/usr/bin/downwardfs");
  EXPECT_EQ(StartedFrom(" (deleted)"), " (deleted)");
  EXPECT_EQ(StartedFrom(""), "");
}

TEST(ProcessTest, ArgumentsEndInNull) {
  const std::vector<std::string> words = {"a", "b c"};
  const auto pointers = ExecArguments(words);
  ASSERT_EQ(pointers.size(), 3u);
  EXPECT_STREQ(pointers[1], "b c");
  EXPECT_EQ(pointers[2], nullptr);
}

TEST(ProcessTest, OnlyTheCommandIsLookedForInPath) {
  EXPECT_EQ(InChild([] { return ExecCommand({"sh", "-c", "exit 7"}) ? 0 : 1; }), 7);
  const Status failed = ExecProgram({"no-such-program"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "no-such-program: No such file or directory");
}

TEST(ProcessTest, StandardStreamsEndAPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(InChild([&] {
              dup2(ends[1], STDOUT_FILENO);
              close(ends[1]);
              const auto null = OpenNull();
              if (!null) return 1;
              LeaveStandardStreams(*null);
              return write(STDOUT_FILENO, "x", 1) == 1 ? 0 : 2;
            }),
            0);
  close(ends[1]);
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), 0);  // its end, and not the byte
  close(ends[0]);
}

}  // namespace
}  // namespace downwardfs
