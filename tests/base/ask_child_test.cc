// SPDX-License-Identifier: Apache-2.0
#include "base/ask_child.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "base/file.h"

namespace downwardfs {
namespace {

TEST(AskChildTest, TheTextIsWholeAndTheExitStatusIsTheBodys) {
  const std::string long_text(100000, 'x');  // more than a pipe holds
  const auto answer = AskChild([&](int out) { return WriteAll(out, long_text, "pipe") ? 7 : 1; });
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->text, long_text);
  EXPECT_EQ(answer->exit_status, 7);
}

TEST(AskChildTest, AChildThatASignalEndsHasNoStatus) {
  const auto answer = AskChild([](int out) {
    static_cast<void>(WriteAll(out, "so far", "pipe"));
    return raise(SIGKILL);
  });
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->text, "so far");
  EXPECT_EQ(answer->exit_status, -1);
}

TEST(AskChildTest, AChildThatSaysNothingIsNotWaitedFor) {
  const auto answer = AskChild([](int) { return pause(); }, std::chrono::milliseconds(1));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace downwardfs
