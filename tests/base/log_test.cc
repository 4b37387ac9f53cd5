// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace downwardfs {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { SetLogSink({}); }
};

TEST_F(LogTest, WithoutASinkLinesGoToStandardErrorFromInfoOn) {
  testing::internal::CaptureStderr();
  LogDebug("unseen");
  LogWarning("two\nlines", {{"file", "/a \"b\""}});
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              MatchesRegex("20..-..-..T..:..:..\\....[+-]..:.. warning two\\\\x0alines "
                           "file=\"/a \\\\\"b\\\\\"\"\n"));
}

TEST_F(LogTest, ASinkGetsEveryLineOfItsLevelAndStandardErrorNone) {
  std::vector<std::string> lines;
  SetLogSink(
      [&lines](LogLevel level, std::string_view message, LogFields fields) {
        lines.push_back(std::string(LogLevelName(level)) + ": " + TextLine(message, fields));
      },
      LogLevel::kWarning);
  testing::internal::CaptureStderr();
  LogInfo("unseen");
  LogWarning("careful", {{"pod", "web"}});
  LogError("broken");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(lines, ElementsAre("warning: careful pod=\"web\"", "error: broken"));
}

TEST_F(LogTest, AnEmptySinkMeansStandardErrorAgain) {
  SetLogSink([](LogLevel, std::string_view, LogFields) { FAIL() << "the old sink was called"; });
  SetLogSink({});
  testing::internal::CaptureStderr();
  LogInfo("seen");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), MatchesRegex(".* info seen\n"));
}

}  // namespace
}  // namespace downwardfs
