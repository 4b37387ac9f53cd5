// SPDX-License-Identifier: Apache-2.0
// A day of a busy cluster under a fake clock: 100 pods that change, watches that end, connections
// that break every few minutes, 410s, tokens refused. No change may be missed and nothing may grow.
#include <gtest/gtest.h>
#include <malloc.h>

#include <map>
#include <random>

#include "client/watch/reflector.h"
#include "tests/fakes/fake_clock.h"

namespace downwardfs::client {
namespace {

// A server without sockets: it answers on the thread that asks, and time passes while it does.
class SimulatedServer final : public Transport {
 public:
  SimulatedServer(FakeClock& clock, unsigned seed) : clock_(clock), random_(seed) {
    for (int i = 0; i < 100; ++i) Touch(i);
  }

  Result<HttpResponse> Perform(const HttpRequest& request, ResponseHandler& handler,
                               Cancellation*) override {
    ++requests;
    HttpResponse response;
    response.content_type = "application/json";
    response.status = 200;
    if (Chance(5)) return Fail(ErrorCode::kUnavailable, "https://simulated: cannot connect");
    if (Chance(3)) response.status = 401;
    if (Chance(3)) response.status = 500;
    if (response.status != 200) return response;
    if (auto ok = handler.OnHead(response); !ok) return Fail(ok.error());
    const bool watch = request.target.find("watch=true") != std::string::npos;
    const Status done = watch ? Watch(request.target, handler) : List(handler);
    if (!done) return Fail(done.error());
    return response;
  }
  std::string Description() const override { return "https://simulated"; }
  std::string Identity() const override { return "nobody"; }

  // Lets everything be well, so that the client can catch up.
  bool calm = false;
  int requests = 0;
  std::map<std::string, std::string> pods;  // name -> uid@version

 private:
  struct Past {
    int version;
    std::string line;
  };

  bool Chance(int percent) {
    return !calm && std::uniform_int_distribution<int>(0, 99)(random_) < percent;
  }
  int Number(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  std::string Pod(const std::string& name, const std::string& uid) const {
    return R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")" + name +
           R"(","namespace":"default","uid":")" + uid + R"(","resourceVersion":")" +
           std::to_string(version_) + R"("},"spec":{"nodeName":"n"}})";
  }

  void Touch(int i) {
    const std::string name = "pod-" + std::to_string(i);
    const auto at = pods.find(name);
    ++version_;
    std::string type = "ADDED";
    std::string uid = "uid-" + std::to_string(version_);
    if (at != pods.end()) {
      uid = at->second.substr(0, at->second.find('@'));
      type = Chance(10) ? "DELETED" : "MODIFIED";
    }
    history_.push_back(
        {version_, R"({"type":")" + type + R"(","object":)" + Pod(name, uid) + "}\n"});
    if (history_.size() > 2000) history_.erase(history_.begin(), history_.begin() + 1000);
    if (type == "DELETED") {
      pods.erase(at);
    } else {
      pods[name] = uid + "@" + std::to_string(version_);
    }
  }

  Status Send(ResponseHandler& handler, const std::string& text) {
    // In two pieces, cut anywhere; now and then the second one never comes.
    const auto cut = static_cast<std::size_t>(Number(static_cast<int>(text.size())));
    if (auto ok = handler.OnBody(std::string_view(text).substr(0, cut)); !ok) return ok;
    if (Chance(1)) return Fail(ErrorCode::kUnavailable, "https://simulated: the connection broke");
    return handler.OnBody(std::string_view(text).substr(cut));
  }

  Status List(ResponseHandler& handler) {
    std::string body = R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":")" +
                       std::to_string(version_) + R"("},"items":[)";
    bool first = true;
    const int now = version_;
    for (const auto& [name, state] : pods) {
      version_ = std::stoi(state.substr(state.find('@') + 1));
      body += (first ? "" : ",") + Pod(name, state.substr(0, state.find('@')));
      first = false;
    }
    version_ = now;
    return Send(handler, body + "]}");
  }

  Status Watch(const std::string& target, ResponseHandler& handler) {
    int position = std::stoi(target.substr(target.find("resourceVersion=") + 16));
    if (Chance(5) || position < history_.front().version - 1) {
      return Send(handler,
                  R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}})");
    }
    const auto end = clock_.Steady() + std::chrono::seconds(calm ? 60 : 30 + Number(600));
    while (clock_.Steady() < end) {
      for (const Past& past : history_) {
        if (past.version <= position) continue;
        position = past.version;
        if (auto ok = Send(handler, past.line); !ok) return ok;
        if (Chance(1) && !Send(handler, past.line)) break;  // twice
      }
      clock_.Advance(std::chrono::seconds(5));
      if (!calm) Touch(Number(100));
    }
    return {};
  }

  FakeClock& clock_;
  std::mt19937 random_;
  int version_ = 1;
  std::vector<Past> history_;
};

std::map<std::string, std::string> Held(const ObjectStore& store) {
  std::map<std::string, std::string> held;
  for (const ObjectPtr& pod : store.List("Pod")) {
    held[pod->meta().name] = pod->meta().uid + "@" + pod->meta().resource_version;
  }
  return held;
}

TEST(ChurnTest, ADayWithoutALeakOrAMissedChange) {
  FakeClock clock;
  auto server = std::make_shared<SimulatedServer>(clock, 20260101);
  ObjectStore store("https://simulated", clock, {.compress_from = 1000});
  ReflectorOptions options = PodReflectorOptions("");
  options.streaming_lists = false;
  ReflectorSession session(server, store, options, clock, 7);
  std::map<std::string, std::string> heard;
  const auto subscription =
      store.SubscribeKind("Pod", [&](const ObjectPtr& before, const ObjectPtr& after) {
        const ObjectPtr& any = after ? after : before;
        if (after) {
          heard[any->meta().name] = after->meta().uid + "@" + after->meta().resource_version;
        } else {
          heard.erase(any->meta().name);
        }
      });
  const auto run_for = [&](std::chrono::nanoseconds time) {
    const auto end = clock.Steady() + time;
    while (clock.Steady() < end) {
      const auto next = session.Step(nullptr);
      if (next > clock.Steady()) clock.Advance(next - clock.Steady());
    }
  };
  std::size_t first_hours_bytes = 0;
  for (int hour = 0; hour < 24; ++hour) {
    server->calm = false;
    run_for(std::chrono::minutes(57));
    server->calm = true;
    run_for(std::chrono::minutes(3));
    ASSERT_EQ(Held(store), server->pods) << "after hour " << hour;
    ASSERT_EQ(heard, server->pods) << "after hour " << hour;
    if (hour == 2) first_hours_bytes = mallinfo2().uordblks;
  }
  // The history of the simulated server moves between 1000 and 2000 lines.
  EXPECT_LT(mallinfo2().uordblks, first_hours_bytes + (std::size_t{1} << 20));
  EXPECT_GT(server->requests, 300);
}

}  // namespace
}  // namespace downwardfs::client
