// SPDX-License-Identifier: Apache-2.0
#include "client/store/object_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "base/worker_thread.h"
#include "client/store/resource_version.h"
#include "tests/fakes/fake_clock.h"

namespace downwardfs::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// A pod, with views that stay valid as long as it lives.
struct Pod {
  std::string name, uid, version, json;
  Pod(std::string n, std::string u, std::string v, const std::string& text = "")
      : name(std::move(n)), uid(std::move(u)), version(std::move(v)) {
    json = "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"" + name + "\",\"uid\":\"" + uid +
           "\"},\"x\":\"" + version + text + "\"}";
  }
  ObjectView view() const {
    ObjectView v;
    v.kind = "Pod";
    v.ns = "default";
    v.name = name;
    v.uid = uid;
    v.resource_version = version;
    v.json = json;
    return v;
  }
};

ObjectKey Key(const std::string& name, const std::string& uid = "") {
  return {"Pod", "default", name, uid};
}

class ObjectStoreTest : public testing::Test {
 protected:
  void Put(const Pod& pod) { feed_->Put(pod.view()); }
  void Remove(const Pod& pod) { feed_->Remove(pod.view()); }
  std::string VersionOf(const std::string& name, const std::string& uid = "") const {
    const ObjectPtr object = store_.Get(Key(name, uid));
    return object ? object->meta().resource_version : "none";
  }
  ObjectSource::Callback Record() {
    return [this](const ObjectPtr& object) {
      heard_.push_back(object ? object->meta().uid + "@" + object->meta().resource_version
                              : "gone");
    };
  }

  FakeClock clock_;
  ObjectStore store_{"https://server", clock_, {.compress_from = 32}};
  std::unique_ptr<ObjectStore::Feed> feed_ = store_.AddFeed();
  std::vector<std::string> heard_;
};

TEST(ResourceVersionTest, OrderOfDecimalNumbersOnly) {
  EXPECT_TRUE(IsOlder("9", "10"));
  EXPECT_TRUE(IsOlder("99999999999999999999998", "99999999999999999999999"));
  for (const auto& [one, other] : std::vector<std::pair<const char*, const char*>>{
           {"10", "9"}, {"7", "7"}, {"007", "7"}, {"a", "b"}, {"", "1"}}) {
    EXPECT_FALSE(IsOlder(one, other)) << one << " " << other;
  }
}

TEST_F(ObjectStoreTest, GetByNameAndUid) {
  const Pod pod("a", "u1", "5");
  Put(pod);
  const ObjectPtr object = store_.Get(Key("a"));
  ASSERT_TRUE(object);
  EXPECT_EQ(object->Json(), pod.json);
  EXPECT_EQ(object->meta().uid, "u1");
  EXPECT_TRUE(store_.Get(Key("a", "u1")));
  EXPECT_FALSE(store_.Get(Key("a", "u2")));
  EXPECT_FALSE(store_.Get({"Node", "default", "a", ""}));
  EXPECT_EQ(store_.List("Pod").size(), 1u);
  EXPECT_THAT(store_.List("Node"), IsEmpty());
}

TEST_F(ObjectStoreTest, WithinAStreamOlderStatesDoNothing) {
  feed_->BeginList();
  Put(Pod("a", "u1", "5"));
  feed_->EndList();
  const auto subscription = store_.Subscribe(Key("a"), Record());
  Put(Pod("a", "u1", "7"));
  Put(Pod("a", "u1", "6"));  // late
  Put(Pod("a", "u1", "7"));  // twice
  EXPECT_EQ(VersionOf("a"), "7");
  Remove(Pod("a", "u1", "6"));
  EXPECT_EQ(VersionOf("a"), "7");
  Remove(Pod("a", "u1", "9"));
  Put(Pod("a", "u1", "8"));  // late: it is gone
  EXPECT_EQ(VersionOf("a"), "none");
  Put(Pod("a", "u2", "10"));
  EXPECT_THAT(heard_, ElementsAre("u1@7", "gone", "u2@10"));
}

TEST_F(ObjectStoreTest, ANewStreamMayGoBack) {
  feed_->BeginList();
  Put(Pod("a", "u1", "500"));
  feed_->EndList();
  feed_->BeginList();
  Put(Pod("a", "u1", "40"));
  feed_->EndList();
  EXPECT_EQ(VersionOf("a"), "40");
}

TEST_F(ObjectStoreTest, AFeedTakesOverWhatAnEndedOneHasLeft) {
  feed_->BeginList();
  Put(Pod("same", "u1", "5"));
  Put(Pod("gone", "u2", "6"));
  feed_->EndList();
  feed_->Connected();
  const auto subscription = store_.Subscribe(Key("gone"), Record());
  feed_.reset();
  EXPECT_FALSE(store_.State().connected);
  clock_.Advance(std::chrono::seconds(3));
  feed_ = store_.AddFeed();
  EXPECT_EQ(store_.State().data_age, std::chrono::seconds(3));
  EXPECT_FALSE(store_.WaitUntilSynced({}));
  feed_->BeginList();
  Put(Pod("same", "u1", "5"));
  EXPECT_EQ(VersionOf("gone"), "6");
  feed_->EndList();
  EXPECT_EQ(VersionOf("gone"), "none");
  EXPECT_THAT(heard_, ElementsAre("gone"));
  feed_->Connected();
  EXPECT_TRUE(store_.State().connected);
  EXPECT_EQ(store_.State().last_error, "");
  feed_->BeginList();
  feed_->EndList();
  EXPECT_EQ(VersionOf("same"), "none");
}

// Which of the ended ones a feed follows must not matter.
TEST_F(ObjectStoreTest, FeedsThatComeBackInAnotherOrderKeepTheirOwnObjects) {
  auto other = store_.AddFeed();
  const auto list = [](ObjectStore::Feed& feed, const Pod& pod) {
    feed.BeginList();
    feed.Put(pod.view());
    feed.EndList();
  };
  list(*feed_, Pod("a", "u1", "5"));
  list(*other, Pod("b", "u2", "6"));
  feed_.reset();
  other.reset();
  other = store_.AddFeed();
  feed_ = store_.AddFeed();
  list(*other, Pod("b", "u2", "6"));
  list(*feed_, Pod("a", "u1", "5"));
  EXPECT_EQ(VersionOf("a"), "5");
  EXPECT_EQ(VersionOf("b"), "6");
}

// A server that was restored gives a version out again, for another content.
TEST_F(ObjectStoreTest, ARelistTakesAnotherContentOfTheSameVersion) {
  ObjectStore store("the test's server", clock_, {.compress_from = 100});
  const auto feed = store.AddFeed();
  std::vector<Pod> pods;
  for (int i = 0; i < 200; ++i) {
    pods.emplace_back("p" + std::to_string(i), "uid-" + std::to_string(i * 7919), "7",
                      std::string(300, static_cast<char>('a' + i % 26)));
  }
  const auto list = [&] {
    feed->BeginList();
    for (const Pod& pod : pods) feed->Put(pod.view());
    feed->EndList();
  };
  list();
  std::size_t changes = 0;
  const auto subscription =
      store.SubscribeKind("Pod", [&](const ObjectPtr&, const ObjectPtr&) { ++changes; });
  const std::string before = pods[3].json;
  pods[3].json[before.size() - 3] = '!';
  feed->Put(pods[3].view());  // within the stream it can only be the same
  EXPECT_EQ(store.Get(Key("p3"))->Json(), before);
  list();
  EXPECT_EQ(store.Get(Key("p3"))->Json(), pods[3].json);
  EXPECT_EQ(store.Get(Key("p4"))->Json(), pods[4].json);
  EXPECT_EQ(changes, 1u);
}

TEST_F(ObjectStoreTest, RelistDeletesWhatIsGoneAndTells) {
  feed_->BeginList();
  Put(Pod("a", "u1", "1"));
  Put(Pod("b", "u2", "2"));
  feed_->EndList();
  const auto a = store_.Subscribe(Key("a"), Record());
  const auto b = store_.Subscribe(Key("b"), Record());
  feed_->BeginList();
  Put(Pod("a", "u1", "1"));
  EXPECT_EQ(VersionOf("b"), "2");  // not before the list is complete
  feed_->EndList();
  EXPECT_EQ(VersionOf("b"), "none");
  EXPECT_EQ(VersionOf("a"), "1");
  EXPECT_THAT(heard_, ElementsAre("gone"));
}

TEST_F(ObjectStoreTest, ARelistOfOneFeedLeavesTheOthersObjects) {
  const auto other = store_.AddFeed();
  Put(Pod("a", "u1", "1"));
  other->BeginList();
  other->EndList();
  EXPECT_EQ(VersionOf("a"), "1");
}

TEST_F(ObjectStoreTest, ASubscriptionWithUidEndsWithItsPod) {
  Put(Pod("a", "u1", "1"));
  const auto bound = store_.Subscribe(Key("a", "u1"), Record());
  Put(Pod("a", "u2", "2"));  // made again between two watches
  Put(Pod("a", "u2", "3"));
  EXPECT_THAT(heard_, ElementsAre("gone"));
  EXPECT_EQ(VersionOf("a", "u1"), "none");
}

TEST_F(ObjectStoreTest, DeletionOfThePredecessorSparesItsSuccessor) {
  Put(Pod("a", "u2", "x2"));
  Remove(Pod("a", "u1", "x1"));
  EXPECT_EQ(VersionOf("a"), "x2");
}

TEST_F(ObjectStoreTest, KindSubscribersHearEverything) {
  int calls = 0;
  auto subscription =
      store_.SubscribeKind("Pod", [&](const ObjectPtr&, const ObjectPtr&) { ++calls; });
  Put(Pod("a", "u1", "1"));
  Put(Pod("b", "u1", "1"));
  subscription.reset();
  Put(Pod("c", "u1", "1"));
  EXPECT_EQ(calls, 2);
}

TEST_F(ObjectStoreTest, ManyObjectsAreCompressedAndReadTheSame) {
  const std::string filler(2000, 'f');
  const ObjectPtr early = (Put(Pod("p0", "u0", "1", filler)), store_.Get(Key("p0")));
  for (int i = 1; i < 200; ++i) {
    Put(Pod("p" + std::to_string(i), "u" + std::to_string(i), std::to_string(i + 1),
            filler + std::to_string(i * 7919)));
  }
  EXPECT_EQ(store_.size(), 200u);
  for (const int i : {0, 31, 32, 150, 199}) {
    const std::string name = "p" + std::to_string(i);
    const Pod pod(name, "u" + std::to_string(i), std::to_string(i + 1),
                  i == 0 ? filler : filler + std::to_string(i * 7919));
    ASSERT_EQ(store_.Get(Key(name))->Json(), pod.json);
  }
  EXPECT_EQ(early->Json(), Pod("p0", "u0", "1", filler).json);
}

TEST_F(ObjectStoreTest, StateTellsTheTruth) {
  EXPECT_FALSE(store_.State().connected);
  feed_->BeginList();
  feed_->EndList();
  feed_->Reached("100");
  feed_->Connected();
  clock_.Advance(std::chrono::seconds(50));
  EXPECT_TRUE(store_.State().connected);
  EXPECT_EQ(store_.State().data_age.count(), 0);
  EXPECT_EQ(store_.State().resource_version, "100");
  feed_->Disconnected("refused", clock_.Steady() - std::chrono::seconds(10));
  clock_.Advance(std::chrono::seconds(5));
  feed_->Disconnected("refused again", clock_.Steady());
  EXPECT_FALSE(store_.State().connected);
  EXPECT_EQ(store_.State().last_error, "refused again");
  EXPECT_EQ(store_.State().data_age, std::chrono::seconds(15));
  feed_->Connected();
  EXPECT_TRUE(store_.State().connected);
  EXPECT_EQ(store_.State().last_error, "");
}

TEST_F(ObjectStoreTest, SyncedMeansEveryFeedHasListed) {
  const auto other = store_.AddFeed();
  const auto now = std::chrono::steady_clock::now();
  feed_->BeginList();
  feed_->EndList();
  EXPECT_FALSE(store_.WaitUntilSynced(now));
  WorkerThread thread("lister", [&] {
    other->BeginList();
    other->EndList();
  });
  EXPECT_TRUE(store_.WaitUntilSynced(now + std::chrono::seconds(60)));
}

// Run under TSan: readers, a writer, and subscriptions that come and go.
TEST_F(ObjectStoreTest, ThreadsDoNotDisturbEachOther) {
  std::atomic<bool> stop{false};
  std::atomic<int> calls{0};
  WorkerThread writer("writer", [&] {
    for (int i = 0; i < 500; ++i) {
      Put(Pod("p" + std::to_string(i % 50), "u", std::to_string(i + 1)));
    }
    stop = true;
  });
  WorkerThread reader("reader", [&] {
    while (!stop) {
      for (const ObjectPtr& object : store_.List("Pod")) EXPECT_FALSE(object->Json().empty());
    }
  });
  while (!stop) {
    bool alive = true;
    auto subscription = store_.Subscribe(Key("p7"), [&](const ObjectPtr&) {
      EXPECT_TRUE(alive);
      ++calls;
    });
    subscription.reset();
    alive = false;
  }
}

}  // namespace
}  // namespace downwardfs::client
