// SPDX-License-Identifier: Apache-2.0
#include "client/config/token_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/temp_dir.h"
#include "tests/fakes/fake_clock.h"

namespace downwardfs::client {
namespace {

using std::chrono::seconds;

class TokenFileTest : public testing::Test {
 protected:
  TokenFileTest() { dir_.Write("token", "one\n"); }

  TempDir dir_;
  FakeClock clock_;
  TokenFile token_{dir_.Path("token"), "", clock_};
};

TEST_F(TokenFileTest, IsReadAgainWithinAMinute) {
  EXPECT_FALSE(token_.TryGet());
  EXPECT_EQ(token_.Get(false)->bearer_token, "one");
  dir_.Write("token", "  two\n");
  EXPECT_EQ(token_.TryGet()->bearer_token, "one");
  clock_.Advance(seconds(60));
  EXPECT_FALSE(token_.TryGet());
  EXPECT_EQ(token_.Get(false)->bearer_token, "two");
}

TEST_F(TokenFileTest, ARefusalReadsAtOnce) {
  ASSERT_TRUE(token_.Get(false));
  dir_.Write("token", "two");
  EXPECT_EQ(token_.Get(true)->bearer_token, "two");
}

TEST_F(TokenFileTest, AFileThatVanishesKeepsTheLastTokenUntilItIsRefused) {
  ASSERT_TRUE(token_.Get(false));
  ASSERT_EQ(unlink(dir_.Path("token").c_str()), 0);
  testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(seconds(60));
    EXPECT_EQ(token_.Get(false)->bearer_token, "one");
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << log;
  EXPECT_THAT(log, testing::HasSubstr("its last content stays in use"));
  const auto refused = token_.Get(true);
  EXPECT_EQ(refused.error().message,
            "token file: " + dir_.Path("token") + ": No such file or directory");
  dir_.Write("token", "two");
  EXPECT_EQ(token_.Get(true)->bearer_token, "two");
}

TEST_F(TokenFileTest, ATokenSeenEmptyWhileItIsRewrittenIsNotUsed) {
  ASSERT_TRUE(token_.Get(false));
  dir_.Write("token", "\n");
  clock_.Advance(seconds(60));
  EXPECT_EQ(token_.Get(false)->bearer_token, "one");
}

TEST_F(TokenFileTest, RefusesBytesThatNoTokenHasAndDoesNotPrintThem) {
  dir_.Write("token", "SECRET\r\nX-Evil: 1\n");
  const auto got = token_.Get(false);
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, testing::HasSubstr(dir_.Path("token")));
  EXPECT_THAT(got.error().message, testing::Not(testing::HasSubstr("SECRET")));
}

TEST_F(TokenFileTest, TheFileWinsOverTheKubeconfigsTokenWhileItCanBeRead) {
  TokenFile both(dir_.Path("token"), "fallback", clock_);
  EXPECT_EQ(both.Get(false)->bearer_token, "one");
  TokenFile missing(dir_.Path("missing"), "fallback", clock_);
  EXPECT_EQ(missing.Get(false)->bearer_token, "fallback");
}

TEST(RotatingFileTest, KeepsThePointerWhileTheBytesStayTheSame) {
  const TempDir dir;
  FakeClock clock;
  RotatingFile file(dir.Write("ca.crt", "CA one"), clock);
  const auto first = *file.Get();
  clock.Advance(seconds(60));
  EXPECT_EQ(*file.Get(), first);
  dir.Write("ca.crt", "CA two");
  clock.Advance(seconds(60));
  EXPECT_EQ(**file.Get(), "CA two");
  EXPECT_EQ(*first, "CA one");
}

}  // namespace
}  // namespace downwardfs::client
