// SPDX-License-Identifier: Apache-2.0
// The reflector with servers that refuse streaming lists, proxies that hold watches back, and pages
// that expire. In every case the store comes to hold what the server holds.
#include "tests/client/watch/reflector_fixture.h"

namespace downwardfs::client {
namespace {

using Refusal = FakeApiServer::StreamingRefusal;

class RefusedStreamTest : public ReflectorTest, public testing::WithParamInterface<Refusal> {};

TEST_P(RefusedStreamTest, IsListedAtOnce) {
  server_.RefuseStreaming(GetParam());
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(store_.State().last_error, "");
  EXPECT_EQ(CountRequests("sendInitialEvents=true"), 1u);
  EXPECT_EQ(CountRequests("list "), 1u);
  Change();
  EXPECT_TRUE(ConnectedAndEqual());
}

std::string RefusalName(const testing::TestParamInfo<Refusal>& test) {
  return std::to_string(test.param.code) + (test.param.as_event ? "Event" : "");
}

INSTANTIATE_TEST_SUITE_P(Refusals, RefusedStreamTest,
                         testing::Values(Refusal{400}, Refusal{403}, Refusal{404}, Refusal{410},
                                         Refusal{500}, Refusal{501}, Refusal{503},
                                         Refusal{.code = 403, .as_event = true},
                                         Refusal{.code = 410, .as_event = true},
                                         Refusal{.code = 500, .as_event = true}),
                         RefusalName);

TEST_F(ReflectorTest, WhereTheListIsForbiddenTooThatIsTheAnswer) {
  server_.RefuseStreaming({403});
  server_.Forbid("list pods");
  Follow();
  ASSERT_TRUE(Eventually([this] { return !store_.State().last_error.empty(); }));
  EXPECT_NE(store_.State().last_error.find("cannot list pods"), std::string::npos)
      << store_.State().last_error;
}

// Rights to list and not to watch: lists show what is new.
TEST_F(ReflectorTest, WithoutWatchesListsKeepTheDataFresh) {
  blind_ = std::chrono::milliseconds(100);
  server_.Forbid("watch pods");
  Follow();
  ASSERT_TRUE(EqualsServer());
  for (int i = 0; i < 3; ++i) {
    server_.Put("default", "p1", "round " + std::to_string(i));
    EXPECT_TRUE(EqualsServer());
  }
}

TEST_F(ReflectorTest, WhatAProxyHoldsBackUntilTheWatchEndsIsTaken) {
  total_ = std::chrono::seconds(3);
  server_.HoldWatchesBack();
  Follow(PlainLists());
  ASSERT_TRUE(EqualsServer());
  Change();
  EXPECT_TRUE(EqualsServer());
  EXPECT_EQ(CountRequests("list "), 1u);  // it came by a watch
}

TEST_F(ReflectorTest, AStreamingListThatIsHeldBackIsListed) {
  silence_ = kSilence;
  total_ = std::chrono::seconds(1);
  server_.SetStreamingLists(FakeApiServer::StreamingLists::kSupported);
  server_.HoldWatchesBack();
  Follow();
  ASSERT_TRUE(EqualsServer());
  Change();
  EXPECT_TRUE(EqualsServer());
}

class ExpiringPagesTest : public ReflectorTest {
 protected:
  ExpiringPagesTest() : ReflectorTest({.page = 3}) {}
};

// kubernetes#67284: the pages took longer than the server remembers, each time.
TEST_F(ExpiringPagesTest, TheListIsAskedForAsAWhole) {
  server_.Inject({.kind = Kind::kStaleToken, .verb = "list", .body = {}, .text = {}}, 1000);
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(CountRequests("list "), 3u);  // a page, the next one, all
}

TEST_F(ExpiringPagesTest, PagesThatNeverEndAreLeft) {
  server_.Inject(Simple("list", Kind::kSamePage), 1000);
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(CountRequests("list "), 5u);  // twice two pages, and all
}

}  // namespace
}  // namespace downwardfs::client
