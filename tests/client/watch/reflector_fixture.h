// SPDX-License-Identifier: Apache-2.0
// A reflector that follows the API server double, with pods to begin with.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/http/curl_transport.h"
#include "client/watch/reflector.h"
#include "tests/fakes/fake_api_server.h"

namespace downwardfs::client {

using Kind = ServerFault::Kind;

inline constexpr std::chrono::seconds kPatience{60};
inline constexpr std::chrono::milliseconds kSilence{1'500};

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
    options.timing.longest_blind = blind_;
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

  /// Sends a bookmark and waits until it has come: silence means something from then on.
  ::testing::AssertionResult Bookmarked() {
    const std::string version = server_.PutObject("nodes", "", "n1", {});  // so that it tells news
    server_.Bookmark();
    return Eventually([&] { return store_.State().resource_version == version; });
  }

  /// Watches cannot go on from before that: the server answers them 410.
  void ChangeAndForgetWhileAway() {
    server_.Stop();
    Change();
    server_.Compact();
    server_.Start();
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
  std::chrono::milliseconds blind_{30'000};
  std::chrono::seconds total_{0};  // of a watch without bookmarks, and its grace; zero: as always
  Mutex mutex_;
  CondVar changed_;
  FakeApiServer server_;
  ObjectStore store_{"the test's server", Clock::Real(), {.compress_from = 4}};
  std::shared_ptr<Transport> transport_;
  std::unique_ptr<ObjectSource::Subscription> changes_;
  std::unique_ptr<Reflector> reflector_;
};

inline ServerFault Body(const char* verb, BodyFault::Kind kind, std::size_t at) {
  return {.kind = Kind::kBody, .verb = verb, .body = {kind, at}, .text = {}};
}
inline ServerFault Simple(const char* verb, Kind kind) {
  return {.kind = kind, .verb = verb, .body = {}, .text = {}};
}

}  // namespace downwardfs::client
