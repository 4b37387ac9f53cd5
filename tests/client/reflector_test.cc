// SPDX-License-Identifier: Apache-2.0
// The reflector against a server that misbehaves. Whatever happens: the store keeps serving, and in
// the end it holds exactly what the server holds.
#include "client/watch/reflector.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "client/http/curl_transport.h"
#include "tests/fakes/fake_api_server.h"

namespace downwardfs::client {
namespace {

using Kind = ServerFault::Kind;

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kSilence{1'500};

class ReflectorTest : public testing::Test {
 protected:
  explicit ReflectorTest(FakeApiServer::Options options = {}) : server_(std::move(options)) {
    for (int i = 0; i < 7; ++i) server_.Put("default", "p" + std::to_string(i), "first");
    server_.Put("other", "q", "first", "node2");
  }

  ClusterConfig Config() {
    ClusterConfig config;
    config.server = server_.url();
    config.ca_pem = server_.ca_pem();
    config.origin = "the test";
    return config;
  }

  // Limits on silence are long, or a starved machine would meet them; tests of silence shorten
  // them.
  ReflectorOptions Quick(ReflectorOptions options) const {
    options.timing.first_delay = std::chrono::milliseconds(10);
    options.timing.longest_delay = std::chrono::milliseconds(50);
    options.timing.longest_retry_after = std::chrono::milliseconds(200);
    options.timing.streaming_silence = silence_;
    options.timing.list_idle = silence_;
    options.timing.silence_with_bookmarks = silence_;
    options.timing.watch_head = head_;
    if (total_.count() > 0) {
      options.timing.watch_without_bookmarks = total_;
      options.timing.watch_grace = total_;
    }
    options.limits.object_bytes = 100'000;
    return options;
  }

  static ReflectorOptions PlainLists() {
    ReflectorOptions options = PodReflectorOptions("");
    options.streaming_lists = false;
    return options;
  }

  void Follow(ReflectorOptions options = PodReflectorOptions("")) {
    if (!transport_) transport_ = std::make_shared<CurlTransport>(Config());
    changes_ = store_.SubscribeKind("Pod", [this](const ObjectPtr&, const ObjectPtr&) {
      const MutexLock lock(mutex_);
      changed_.NotifyAll();
    });
    reflector_ = std::make_unique<Reflector>(transport_, store_, Quick(std::move(options)));
  }

  std::vector<std::string> Held() const {
    std::vector<std::string> held;
    for (const ObjectPtr& pod : store_.List("Pod")) {
      const std::string json = pod->Json();
      const std::size_t label = json.find(R"("tick":")") + 8;
      held.push_back(pod->meta().ns + "/" + pod->meta().name + " " + pod->meta().uid + " " +
                     pod->meta().resource_version + " " +
                     json.substr(label, json.find('"', label) - label));
    }
    std::sort(held.begin(), held.end());
    return held;
  }

  template <class Condition>
  ::testing::AssertionResult Eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      // Not every condition comes with a change of an object.
      const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
      const MutexLock lock(mutex_);
      changed_.WaitUntil(mutex_, soon);
      if (std::chrono::steady_clock::now() > deadline) {
        return ::testing::AssertionFailure() << store_.State().last_error;
      }
    }
    return ::testing::AssertionSuccess();
  }

  ::testing::AssertionResult EqualsServer() {
    return Eventually([this] { return Held() == server_.Pods(); });
  }
  ::testing::AssertionResult ConnectedAndEqual() {
    auto equal = EqualsServer();
    if (!equal) return equal;
    return Eventually([this] { return store_.State().connected && Held() == server_.Pods(); });
  }

  void Change() {
    server_.Put("default", "p1", "second");
    server_.Put("default", "new", "second");
    server_.Delete("default", "p2");
    server_.Delete("default", "p3");
    server_.Put("default", "p3", "made again");
  }

  std::size_t CountRequests(const std::string& part) const {
    std::size_t n = 0;
    for (const std::string& line : server_.Requests()) n += line.find(part) != std::string::npos;
    return n;
  }

  std::chrono::milliseconds silence_{30'000};
  std::chrono::milliseconds head_{30'000};
  std::chrono::seconds total_{0};  // of a watch without bookmarks, and its grace; zero: as always
  Mutex mutex_;
  CondVar changed_;
  FakeApiServer server_;
  ObjectStore store_{"the test's server", Clock::Real(), {.compress_from = 4}};
  std::shared_ptr<Transport> transport_;
  std::unique_ptr<ObjectSource::Subscription> changes_;
  std::unique_ptr<Reflector> reflector_;
};

TEST_F(ReflectorTest, ListsThenFollows) {
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
  PagedReflectorTest() : ReflectorTest({.page = 3}) {}
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
  EXPECT_EQ(CountRequests("continue="), 3u);
}

class StreamingReflectorTest : public ReflectorTest {
 protected:
  StreamingReflectorTest()
      : ReflectorTest({.streaming_lists = FakeApiServer::StreamingLists::kSupported}) {}
};

TEST_F(StreamingReflectorTest, NeedsNoList) {
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  Change();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(CountRequests("list "), 0u);
  EXPECT_EQ(CountRequests("resourceVersionMatch=NotOlderThan&sendInitialEvents=true"), 1u);
}

TEST_F(StreamingReflectorTest, RelistsByStreamingAfter410) {
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  server_.Stop();
  Change();
  server_.Compact();
  server_.Start();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(CountRequests("list "), 0u);
  EXPECT_EQ(CountRequests("sendInitialEvents=true"), 2u);
}

TEST_F(StreamingReflectorTest, AStreamThatBreaksStartsOver) {
  server_.Inject(
      {.kind = Kind::kBody, .verb = "watch", .body = {BodyFault::Kind::kReset, 700}, .text = {}},
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
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  server_.Stop();
  Change();
  server_.Compact();
  server_.Start();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(CountRequests("list "), 2u);
}

TEST_F(ReflectorTest, AServerThatIsAwayIsWaitedFor) {
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
  server_.Bookmark();  // so that silence means something
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

// Faults that one request meets; after them all must be well.
struct FaultCase {
  const char* name;
  ServerFault fault;
  int times = 1;
};

void PrintTo(const FaultCase& fault_case, std::ostream* out) {
  *out << fault_case.name;
}

class FaultTest : public ReflectorTest, public testing::WithParamInterface<FaultCase> {
 protected:
  FaultTest() {
    if (GetParam().fault.body.kind == BodyFault::Kind::kStall) silence_ = kSilence;
  }
};

TEST_P(FaultTest, OnTheFirstRequests) {
  server_.Inject(GetParam().fault, GetParam().times);
  Follow();
  EXPECT_TRUE(ConnectedAndEqual());
  Change();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_TRUE(Eventually([this] { return server_.FaultsLeft() == 0; }));
}

TEST_P(FaultTest, InMidstream) {
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  const auto before = store_.List("Pod");
  server_.Inject(GetParam().fault, GetParam().times);
  server_.Drop();  // so that the next requests meet the fault
  for (int round = 0; round < 3; ++round) {
    Change();
    EXPECT_FALSE(Held().empty());
  }
  if (GetParam().fault.verb == "list") {
    server_.Stop();
    Change();
    server_.Compact();  // the client has not seen what is forgotten: it must list
    server_.Start();
  }
  EXPECT_TRUE(Eventually([this] { return server_.FaultsLeft() == 0; }));
  server_.Put("default", "p5", "after");
  EXPECT_TRUE(ConnectedAndEqual());
  // What a reader held all the time is what it was.
  for (const ObjectPtr& pod : before) EXPECT_NE(pod->Json().find("\"first\""), std::string::npos);
}

ServerFault Body(const char* verb, BodyFault::Kind kind, std::size_t at) {
  return {.kind = Kind::kBody, .verb = verb, .body = {kind, at}, .text = {}};
}
ServerFault Simple(const char* verb, Kind kind) {
  return {.kind = kind, .verb = verb, .body = {}, .text = {}};
}

std::vector<FaultCase> FaultCases() {
  std::vector<FaultCase> cases;
  for (const char* verb : {"list", "watch"}) {
    for (const std::size_t at : {0U, 1U, 150U, 700U}) {
      cases.push_back({"reset", Body(verb, BodyFault::Kind::kReset, at)});
      cases.push_back({"truncated chunk", Body(verb, BodyFault::Kind::kTruncate, at)});
      cases.push_back({"garbage", Body(verb, BodyFault::Kind::kGarbage, at)});
      cases.push_back({"early end", Body(verb, BodyFault::Kind::kEnd, at)});
    }
    cases.push_back({"slow bytes", Body(verb, BodyFault::Kind::kSlow, 0)});
    cases.push_back({"closed", Simple(verb, Kind::kClose), 3});
    cases.push_back({"wrong content type", Simple(verb, Kind::kWrongType)});
    cases.push_back({"429", Simple(verb, Kind::kTooManyRequests)});
    cases.push_back({"500s", Simple(verb, Kind::kServerError), 4});
    cases.push_back({"503", Simple(verb, Kind::kUnavailable), 2});
    cases.push_back({"401", Simple(verb, Kind::kUnauthorized), 2});
    cases.push_back({"410", Simple(verb, Kind::kExpired), 3});
    cases.push_back({"oversized", Simple(verb, Kind::kOversized), 2});
    cases.push_back({"half a UTF-8 character", Simple(verb, Kind::kHalfUtf8)});
  }
  cases.push_back({"stalled list", Body("list", BodyFault::Kind::kStall, 700)});
  cases.push_back({"410 event", Simple("watch", Kind::kExpiredEvent), 3});
  cases.push_back({"duplicates", Simple("watch", Kind::kDuplicates)});
  return cases;
}

std::string CaseName(const testing::TestParamInfo<FaultCase>& info) {
  std::string name = info.param.fault.verb + "_" + info.param.name + "_" +
                     std::to_string(info.param.fault.body.at);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Faults, FaultTest, testing::ValuesIn(FaultCases()), CaseName);

// A peer that takes a request and never answers.
TEST_F(ReflectorTest, AWatchThatIsNeverAcceptedIsGivenUp) {
  head_ = kSilence;
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
  server_.Bookmark();
  ASSERT_TRUE(server_.WaitForWatchers(1));
  server_.Inject(Body("watch", BodyFault::Kind::kStall, 100));
  server_.Drop();
  Change();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_EQ(server_.FaultsLeft(), 0u);
}

}  // namespace
}  // namespace downwardfs::client
