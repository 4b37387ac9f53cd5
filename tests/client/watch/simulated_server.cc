// SPDX-License-Identifier: Apache-2.0
#include "tests/client/watch/simulated_server.h"

#include <algorithm>

namespace downwardfs::client {
namespace {

constexpr int kPods = 100;
constexpr std::chrono::seconds kBetweenChanges{5};
constexpr std::chrono::seconds kBetweenBookmarks{60};
constexpr std::size_t kHistory = 2000;

constexpr char kExpired[] =
    R"json({"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},)json"
    R"json("status":"Failure","message":"too old resource version: 1 (2)",)json"
    R"json("reason":"Expired","code":410}})json";

std::string UidOf(const std::string& state) {
  return state.substr(0, state.find('@'));
}

}  // namespace

SimulatedServer::SimulatedServer(FakeClock& clock, std::shared_ptr<CredentialProvider> credentials,
                                 unsigned seed)
    : clock_(clock), credentials_(std::move(credentials)), random_(seed) {
  for (int i = 0; i < kPods; ++i) Touch(i);
}

bool SimulatedServer::Authorized() {
  for (const bool refresh : {false, true}) {
    const auto got = credentials_->Get(refresh);
    if (got && got->bearer_token == token_) return true;
    ++counters_.refused;
  }
  return false;
}

Result<HttpResponse> SimulatedServer::Perform(const HttpRequest& request, ResponseHandler& handler,
                                              Cancellation*) {
  HttpResponse response;
  response.content_type = "application/json";
  response.status = 200;
  if (Chance(50)) {
    ++counters_.broken;
    return Fail(ErrorCode::kUnavailable, "https://simulated: cannot connect");
  }
  if (!Authorized()) {
    response.status = 401;
  } else if (Chance(30)) {
    ++counters_.errors;
    response.status = 500;
  }
  if (response.status != 200) return response;
  if (auto ok = handler.OnHead(response); !ok) return Fail(ok.error());
  const bool watch = request.target.find("watch=true") != std::string::npos;
  const Status done = watch ? Watch(request.target, handler) : List(handler);
  if (!done) return Fail(done.error());
  return response;
}

std::string SimulatedServer::Pod(const std::string& name, const std::string& uid,
                                 int version) const {
  return R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")" + name +
         R"(","namespace":"default","uid":")" + uid + R"(","resourceVersion":")" +
         std::to_string(version) + R"("},"spec":{"nodeName":"n"}})";
}

void SimulatedServer::Touch(int i) {
  ++counters_.changes;
  const std::string name = "pod-" + std::to_string(i);
  const auto at = pods.find(name);
  ++version_;
  std::string type = "ADDED";
  std::string uid = "uid-" + std::to_string(version_);
  if (at != pods.end()) {
    uid = UidOf(at->second);
    type = Chance(100) ? "DELETED" : "MODIFIED";
  }
  const std::string pod = Pod(name, uid, version_);
  history_.push_back({version_, R"({"type":")" + type + R"(","object":)" + pod + "}\n"});
  if (history_.size() > kHistory) {
    const auto half = history_.begin() + kHistory / 2;
    compacted_ = std::prev(half)->version;
    history_.erase(history_.begin(), half);
  }
  if (type == "DELETED") {
    pods.erase(at);
  } else {
    pods[name] = uid + "@" + std::to_string(version_);
  }
}

void SimulatedServer::Compact() {
  Touch(0);
  compacted_ = version_;
  std::vector<Past>().swap(history_);
}

// In two pieces, cut anywhere; now and then the second one never comes.
Status SimulatedServer::Send(ResponseHandler& handler, const std::string& text) {
  const auto cut = static_cast<std::size_t>(Number(static_cast<int>(text.size())));
  if (auto ok = handler.OnBody(std::string_view(text).substr(0, cut)); !ok) return ok;
  if (Chance(10)) {
    ++counters_.broken;
    return Fail(ErrorCode::kUnavailable, "https://simulated: the connection broke");
  }
  return handler.OnBody(std::string_view(text).substr(cut));
}

Status SimulatedServer::List(ResponseHandler& handler) {
  ++counters_.lists;
  std::string body = R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":")" +
                     std::to_string(version_) + R"("},"items":[)";
  bool first = true;
  for (const auto& [name, state] : pods) {
    if (!std::exchange(first, false)) body += ',';
    body += Pod(name, UidOf(state), std::stoi(state.substr(state.find('@') + 1)));
  }
  return Send(handler, body + "]}");
}

Status SimulatedServer::Watch(const std::string& target, ResponseHandler& handler) {
  ++counters_.watches;
  int position = std::stoi(target.substr(target.find("resourceVersion=") + 16));
  if (Chance(50) || position < compacted_) {
    ++counters_.expired;
    return Send(handler, kExpired);
  }
  const auto end = clock_.Steady() + std::chrono::seconds(calm ? 60 : 30 + Number(600));
  auto bookmark = clock_.Steady() + kBetweenBookmarks;
  while (clock_.Steady() < end) {
    // By index: the history may move while time passes.
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if (history_[i].version <= position) continue;
      position = history_[i].version;
      if (auto ok = Send(handler, history_[i].line); !ok) return ok;
      if (Chance(10)) {
        if (auto ok = Send(handler, history_[i].line); !ok) return ok;  // twice
      }
    }
    if (clock_.Steady() >= bookmark) {
      bookmark += kBetweenBookmarks;
      const std::string line =
          R"({"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":)"
          R"({"resourceVersion":")" +
          std::to_string(version_) + "\"}}}\n";
      if (auto ok = Send(handler, line); !ok) return ok;
    }
    clock_.Advance(kBetweenChanges);
    if (!calm) Touch(Number(kPods));
  }
  return {};
}

}  // namespace downwardfs::client
