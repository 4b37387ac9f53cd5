// SPDX-License-Identifier: Apache-2.0
// A follower with a server that answers, refuses, and is left.
#include "sources/follower.h"

#include <gtest/gtest.h>

#include <atomic>

#include "client/http/curl_transport.h"
#include "tests/fakes/fake_api_server.h"

namespace downwardfs {
namespace {

class FollowerTest : public ::testing::Test {
 protected:
  FollowerTest() { server_.Put("default", "web", "one"); }
  ~FollowerTest() override { transport_->Shutdown(); }

  std::shared_ptr<client::Transport> Connect() {
    client::ClusterConfig config;
    config.server = server_.url();
    config.ca_pem = server_.ca_pem();
    return std::make_shared<client::CurlTransport>(config);
  }
  client::ReflectorOptions Pods() {
    auto options = client::PodReflectorOptions("default");
    options.on_outcome = [this](const client::ApiFailure*) {
      if (!follower_.answered()) ++too_early_;
      ++outcomes_;
    };
    return OfOneObject(std::move(options));
  }
  static std::chrono::steady_clock::time_point Patience() {
    return std::chrono::steady_clock::now() + std::chrono::seconds(60);
  }

  FakeApiServer server_;
  const std::shared_ptr<client::Transport> transport_ = Connect();
  std::atomic<int> outcomes_ = 0;
  std::atomic<int> too_early_ = 0;
  Follower follower_{"the server"};
};

TEST_F(FollowerTest, ItsObjectsAreThereWithTheFirstAnswer) {
  EXPECT_FALSE(follower_.answered());
  follower_.Follow(transport_, Pods());
  follower_.Await(Patience());
  EXPECT_TRUE(follower_.answered());
  EXPECT_TRUE(follower_.store().Get({"Pod", "default", "web", ""}));
}

TEST_F(FollowerTest, ARefusalIsAnAnswer) {
  server_.Forbid("list pods");
  server_.Forbid("watch pods");
  follower_.Follow(transport_, Pods());
  follower_.Await(Patience());
  EXPECT_TRUE(follower_.answered());
  EXPECT_FALSE(follower_.store().Get({"Pod", "default", "web", ""}));
}

TEST_F(FollowerTest, WhenItStopsItKeepsItsObjectsAndKnowsOfNoAnswer) {
  follower_.Follow(transport_, Pods());
  follower_.Await(Patience());
  follower_.Stop();
  const int before = outcomes_;
  EXPECT_GT(before, 0);
  EXPECT_FALSE(follower_.answered());
  EXPECT_TRUE(follower_.store().Get({"Pod", "default", "web", ""}));
  server_.Put("default", "api", "one");
  EXPECT_EQ(outcomes_, before);
  EXPECT_FALSE(follower_.store().Get({"Pod", "default", "api", ""}));
  // It follows again, from what the server has now.
  follower_.Follow(transport_, Pods());
  follower_.Await(Patience());
  EXPECT_TRUE(follower_.store().Get({"Pod", "default", "api", ""}));
  EXPECT_EQ(too_early_, 0);
}

TEST_F(FollowerTest, AnObjectThatWentBetweenTwoFollowingsIsGone) {
  server_.Put("default", "api", "one");
  follower_.Follow(transport_, Pods());
  follower_.Await(Patience());
  follower_.Stop();
  server_.Delete("default", "web");
  EXPECT_TRUE(follower_.store().Get({"Pod", "default", "web", ""}));
  follower_.Follow(transport_, Pods());
  follower_.Await(Patience());
  EXPECT_FALSE(follower_.store().Get({"Pod", "default", "web", ""}));
  EXPECT_TRUE(follower_.store().Get({"Pod", "default", "api", ""}));
  EXPECT_EQ(follower_.store().State().last_error, "");
}

}  // namespace
}  // namespace downwardfs
