// SPDX-License-Identifier: Apache-2.0
// The reflector with a server that goes away, comes back, starts over or falls silent.
#include "tests/client/watch/reflector_fixture.h"

namespace downwardfs::client {
namespace {

TEST_F(ReflectorTest, ListsThenFollows) {
  server_.SetStreamingLists(FakeApiServer::StreamingLists::kRefused);
  Follow();
  ASSERT_TRUE(store_.WaitUntilSynced(std::chrono::steady_clock::now() + kPatience));
  ASSERT_TRUE(ConnectedAndEqual());
  Change();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(store_.State().last_error, "");
  EXPECT_EQ(CountRequests("list /api/v1/pods?limit=500&resourceVersion=0"), 1u);
  EXPECT_EQ(CountRequests("allowWatchBookmarks=true"), 2u);  // with a streaming list tried
}

TEST_F(ReflectorTest, SelectsOnePodOrOneNode) {
  server_.SetStreamingLists(FakeApiServer::StreamingLists::kRefused);
  Follow(PodReflectorOptions("default", "metadata.name=p3"));
  ASSERT_TRUE(Eventually([this] { return store_.State().connected; }));
  Change();
  ASSERT_TRUE(
      Eventually([this] { return Held().size() == 1 && Held()[0].ends_with("made again"); }));
  EXPECT_EQ(CountRequests("/api/v1/namespaces/default/pods?"), 3u);
  reflector_ = std::make_unique<Reflector>(transport_, store_,
                                           Quick(PodReflectorOptions("", "spec.nodeName=node2")));
  ASSERT_TRUE(Eventually([this] { return Held().size() == 2; }));
  EXPECT_EQ(Held()[1].substr(0, 7), "other/q");
}

class PagedReflectorTest : public ReflectorTest {
 protected:
  PagedReflectorTest()
      : ReflectorTest({.streaming_lists = FakeApiServer::StreamingLists::kRefused, .page = 3}) {}
};

TEST_F(PagedReflectorTest, FollowsThePages) {
  Follow();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(CountRequests("continue="), 2u);
}

TEST_F(PagedReflectorTest, AnExpiredTokenMeansAFullRelist) {
  server_.Inject({.kind = Kind::kStaleToken, .verb = "list", .body = {}, .text = {}});
  Follow();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(server_.FaultsLeft(), 0u);
  EXPECT_EQ(CountRequests("continue="), 1u);
}

TEST_F(ReflectorTest, AStreamingListNeedsNoOther) {
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  Change();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(CountRequests("list "), 0u);
  EXPECT_EQ(CountRequests("resourceVersionMatch=NotOlderThan&sendInitialEvents=true"), 1u);
}

TEST_F(ReflectorTest, RelistsByStreamingAfter410) {
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  ChangeAndForgetWhileAway();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(CountRequests("list "), 0u);
  EXPECT_EQ(CountRequests("sendInitialEvents=true"), 2u);
}

TEST_F(ReflectorTest, AStreamThatBreaksStartsOver) {
  server_.Inject(
      {.kind = Kind::kBody, .verb = "watch", .body = {BodyFault::Kind::kReset, 100}, .text = {}},
      3);
  Follow();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(server_.FaultsLeft(), 0u);
}

class OldServerReflectorTest : public ReflectorTest {
 protected:
  OldServerReflectorTest()
      : ReflectorTest({.streaming_lists = FakeApiServer::StreamingLists::kIgnored}) {}
};

TEST_F(OldServerReflectorTest, AServerThatIgnoresStreamingIsListed) {
  silence_ = kSilence;
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  Change();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(CountRequests("sendInitialEvents=true"), 1u);
  EXPECT_EQ(CountRequests("list "), 1u);
}

TEST_F(ReflectorTest, AnExpiredWatchRelists) {
  server_.SetStreamingLists(FakeApiServer::StreamingLists::kRefused);
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  ChangeAndForgetWhileAway();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(CountRequests("list "), 2u);
}

TEST_F(ReflectorTest, AServerThatIsAwayIsWaitedFor) {
  server_.SetStreamingLists(FakeApiServer::StreamingLists::kRefused);
  server_.Stop();
  Follow();
  ASSERT_TRUE(Eventually([this] {
    return store_.State().last_error.find("cannot connect") != std::string::npos;
  })) << store_.State().last_error;
  EXPECT_FALSE(store_.State().connected);
  server_.Start();
  ASSERT_TRUE(ConnectedAndEqual());
  server_.Stop();
  ASSERT_TRUE(Eventually([this] { return !store_.State().connected; }));
  EXPECT_EQ(Held().size(), 8u);  // keeps serving
  Change();
  server_.Start();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(CountRequests("list "), 1u);  // the watch goes on where it was
}

// It sends nothing to who has seen more than it knows: no event, no bookmark.
TEST_F(ReflectorTest, AServerRestoredFromABackupIsRelisted) {
  silence_ = kSilence;
  for (int i = 0; i < 50; ++i) server_.Put("default", "p1", std::to_string(i));
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  ASSERT_TRUE(Bookmarked());
  server_.Stop();
  server_.Delete("default", "p4");
  server_.RestoreAt(20);
  server_.Start();
  ASSERT_TRUE(server_.WaitForWatchers(1));
  server_.Put("default", "p5", "after the restore");
  server_.Bookmark();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_LT(std::stoi(store_.State().resource_version), 60);
}

// Without bookmarks it is the end of a watch that tells.
TEST_F(ReflectorTest, ARestoredServerWithoutBookmarksIsRelistedAsWell) {
  for (int i = 0; i < 50; ++i) server_.Put("default", "p1", std::to_string(i));
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  server_.LimitWatches(std::chrono::seconds(6));
  server_.Stop();
  server_.RestoreAt(20);
  server_.Start();
  EXPECT_TRUE(ConnectedAndEqual());
}

TEST_F(ReflectorTest, AFirstEventOlderThanTheWatchMeansARelist) {
  for (int i = 0; i < 50; ++i) server_.Put("default", "p1", std::to_string(i));
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  ReflectorMachine machine({}, false, [] { return 0.5; });
  ListMeta meta;
  meta.resource_version = "150";
  EXPECT_TRUE(machine.OnPage(meta, {}));
  (void)machine.Next({});
  EXPECT_EQ(machine.OnEvent(EventType::kModified, "20", false), ReflectorMachine::Verdict::kStop);
}

TEST_F(ReflectorTest, OneForbiddenVerbIsNamed) {
  server_.Forbid("watch pods");
  Follow(PodReflectorOptions("default"));
  ASSERT_TRUE(Eventually([this] { return !store_.State().last_error.empty(); }));
  const std::string error = store_.State().last_error;
  EXPECT_NE(error.find("cannot watch pods in namespace \"default\""), std::string::npos) << error;
  EXPECT_NE(
      error.find(
          "a Role in namespace \"default\" must allow verb \"watch\" on resource \"pods\" of API "
          "group \"\" to user \"dev\""),
      std::string::npos)
      << error;
}

// Bad bytes of a watch, of any kind, say nothing about its version.
TEST_F(ReflectorTest, AWatchWhoseBytesAreBadGoesOnWithoutAList) {
  Follow(PlainLists());
  ASSERT_TRUE(ConnectedAndEqual());
  for (const auto kind : {BodyFault::Kind::kGarbage, BodyFault::Kind::kReset}) {
    server_.Inject(Body("watch", kind, 1000));
    server_.Drop();
    Change();
    ASSERT_TRUE(Eventually([this] { return server_.FaultsLeft() == 0; }));
    server_.Put("default", "p5", "after");
    ASSERT_TRUE(ConnectedAndEqual());
  }
  EXPECT_EQ(CountRequests("list "), 1u);
  const SourceState state = store_.State();
  EXPECT_EQ(state.last_error, "");
  EXPECT_NE(state.last_fault, "");  // though it goes on
  EXPECT_GE(state.faults, 3u);
}

// A server since 1.37: initial events, their bookmark and each burst are gzip members, which come
// together in one buffer where changes follow each other.
TEST_F(ReflectorTest, BurstsOfACompressedWatchBreakNothing) {
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  for (int i = 0; i < 400; ++i) server_.Put("default", "p" + std::to_string(i % 7), "burst");
  ASSERT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(server_.LastHeaders()["accept-encoding"], "gzip");
  EXPECT_EQ(server_.Requests().size(), 1u);  // one watch, from the first pod on
  EXPECT_EQ(store_.State().faults, 0u);
}

// Nor does a fault of the compressed bytes cost a list.
TEST_F(ReflectorTest, AWatchWhoseMembersAreDamagedGoesOnWithoutAList) {
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  const auto broken = [this] { return Eventually([this] { return store_.State().faults > 0; }); };
  server_.DamageNextFlush();
  server_.Put("default", "p1", "damaged");
  ASSERT_TRUE(broken());
  ASSERT_TRUE(ConnectedAndEqual());
  EXPECT_NE(store_.State().last_fault.find("gzip member 3 is damaged"), std::string::npos)
      << store_.State().last_fault;
  EXPECT_EQ(CountRequests("sendInitialEvents=true"), 1u);
  EXPECT_EQ(CountRequests("list "), 0u);
  EXPECT_EQ(server_.Requests().size(), 2u);
}

// A peer that takes a request and never answers.
TEST_F(ReflectorTest, AWatchThatIsNeverAcceptedIsGivenUp) {
  silence_ = kSilence;
  total_ = std::chrono::seconds(1);
  server_.Inject(Simple("watch", Kind::kNoHead), 2);
  Follow();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(server_.FaultsLeft(), 0u);
}

TEST_F(ReflectorTest, AWatchThatStallsBeforeAnyBookmarkIsGivenUp) {
  total_ = std::chrono::seconds(1);
  server_.Inject(Body("watch", BodyFault::Kind::kStall, 0));
  Follow(PlainLists());
  ASSERT_TRUE(Eventually([this] { return Held() == server_.Pods(); }));
  Change();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(server_.FaultsLeft(), 0u);
}

TEST_F(ReflectorTest, AnErrorEventIsAnsweredByAList) {
  server_.SetStreamingLists(FakeApiServer::StreamingLists::kRefused);
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  server_.Inject(Simple("watch", Kind::kErrorEvent));
  server_.Drop();
  Change();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(CountRequests("list "), 2u);
}

TEST_F(PagedReflectorTest, APageThatContinuesAtItselfIsNotFollowedForEver) {
  server_.Inject(Simple("list", Kind::kSamePage), 3);
  Follow();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(server_.FaultsLeft(), 0u);
}

// A peer that stays connected and says nothing: bookmarks have come, so silence means death.
TEST_F(ReflectorTest, AStalledWatchIsGivenUp) {
  silence_ = kSilence;
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  ASSERT_TRUE(Bookmarked());
  server_.Inject(Body("watch", BodyFault::Kind::kStall, 100));
  server_.Drop();
  Change();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(server_.FaultsLeft(), 0u);
}

}  // namespace
}  // namespace downwardfs::client
