// SPDX-License-Identifier: Apache-2.0
// How the API server double serves a watch.
#include <algorithm>
#include <utility>

#include "tests/fakes/fake_api_parts.h"
#include "tests/fakes/fake_api_server.h"

namespace downwardfs {

using namespace fake_api;

namespace {

constexpr char kInternalError[] =
    R"json({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)json"
    R"json("message":"etcd event received with PrevKv=nil","reason":"InternalError","code":500})json";

constexpr char kExpired[] =
    R"json({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)json"
    R"json("message":"too old resource version: 1 (392)","reason":"Expired","code":410})json";

constexpr char kBookmark[] = R"({"type":"BOOKMARK")";

std::string EventLine(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}

std::string ReasonOf(int code) {
  switch (code) {
    case 400:
      return "BadRequest";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 410:
      return "Expired";
    case 422:
      return "Invalid";
    case 500:
      return "InternalError";
    case 503:
      return "ServiceUnavailable";
    default:
      return "";
  }
}

// The answer of 1.37 over an etcd that has no RequestWatchProgress, with any code.
std::string StatusOf(int code) {
  return R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
         R"("message":"the etcd has no RequestWatchProgress","reason":")" +
         ReasonOf(code) + R"(","code":)" + std::to_string(code) + "}";
}

std::string BookmarkLine(const std::string& resource, std::uint64_t version, bool end) {
  return EventLine(
      "BOOKMARK", R"({"kind":")" + KindOf(resource) +
                      R"(","apiVersion":"v1","metadata":{"resourceVersion":")" +
                      std::to_string(version) + "\"" +
                      (end ? R"(,"annotations":{"k8s.io/initial-events-end":"true"})" : "") + "}}");
}

}  // namespace

/// One watch under way.
struct FakeApiServer::WatchState {
  std::string resource;
  std::string ns;
  Selector selector;
  std::uint64_t position = 0;
  std::uint64_t bookmarks = 0;
  std::uint64_t epoch = 0;
  std::string previous;
  bool compressed = false;  ///< each flush is a gzip member

  bool Wants(const std::string& of_ns, const std::string& name, const std::string& node) const {
    return (ns.empty() || of_ns == ns) && selector.Matches(name, node);
  }
};

std::vector<std::string> FakeApiServer::FirstLines(const ServedRequest& request,
                                                   WatchState* state) {
  std::vector<std::string> lines;
  const bool streaming = Parameter(request, "sendInitialEvents") == "true" &&
                         options_.streaming_lists == StreamingLists::kSupported;
  state->bookmarks = bookmarks_;
  state->epoch = epoch_;
  state->position = Number(Parameter(request, "resourceVersion"));
  if (streaming || state->position == 0) {
    for (const auto& [key, object] : objects_[state->resource]) {
      if (state->Wants(object.ns, object.name, object.node)) {
        lines.push_back(EventLine("ADDED", object.json));
      }
    }
    state->position = version_;
    if (streaming) lines.push_back(BookmarkLine(state->resource, version_, true));
  } else if (state->position < compacted_) {
    lines.push_back(EventLine("ERROR", kExpired));
  }
  return lines;
}

std::vector<std::string> FakeApiServer::NextLines(WatchState* state) {
  std::vector<std::string> lines;
  for (const Event& event : history_) {
    if (event.version <= state->position) continue;
    state->position = event.version;
    if (event.resource == state->resource && state->Wants(event.ns, event.name, event.node)) {
      lines.push_back(EventLine(event.type, event.json));
    }
  }
  // None that is older than where the watch is: a server that was restored says nothing to those
  // who have seen more than it knows.
  if (bookmarks_ != state->bookmarks && version_ >= state->position) {
    state->bookmarks = bookmarks_;
    lines.push_back(BookmarkLine(state->resource, version_, false));
  }
  return lines;
}

std::string FakeApiServer::Flush(const WatchState& state, std::string lines) {
  if (!state.compressed) return lines;
  std::string member = Gzip(lines);
  const MutexLock lock(mutex_);
  if (std::exchange(damage_next_flush_, false)) member[member.size() - 6] ^= 1;
  return member;
}

bool FakeApiServer::SendLines(HttpConnection& http, const std::vector<std::string>& lines,
                              const ServerFault* fault, WatchState* state) {
  // As watch.go of the API server: each flush is complete. The bookmark that ends the initial
  // events comes after all of them, with a flush of its own.
  std::string flush;
  const auto send = [&] {
    if (flush.empty()) return true;
    return http.Chunk(Flush(*state, std::exchange(flush, {})));
  };
  using Kind = ServerFault::Kind;
  const Kind kind = fault != nullptr ? fault->kind : Kind::kBody;
  for (const std::string& line : lines) {
    const std::size_t accent = line.find('\xc3');
    if (kind == Kind::kHalfUtf8 && accent != std::string::npos) {
      flush += std::string_view(line).substr(0, accent + 1);
      send();
      http.EndChunks();
      return false;
    }
    if (line.starts_with(kBookmark) && !send()) return false;
    if (options_.before_line) options_.before_line(line);
    flush += line;
    if (kind == Kind::kDuplicates) flush += line + state->previous;
    state->previous = line;
    if (!state->compressed && !send()) return false;
    if (line.find("\"ERROR\"") != std::string::npos) {
      send();
      http.EndChunks();
      return false;
    }
  }
  return send();
}

bool FakeApiServer::Watch(Connection& connection, const ServedRequest& request,
                          const std::string& resource, const std::string& ns,
                          const ServerFault* fault) {
  HttpConnection& http = *connection.http;
  WatchState state{resource, ns, Selector(Parameter(request, "fieldSelector")), 0, 0, 0, {}};
  std::vector<std::string> lines;
  bool refused = false;
  bool too_large = false;
  bool hold_back = false;
  StreamingRefusal refusal;
  const auto begun = std::chrono::steady_clock::now();
  auto end = begun + std::chrono::hours(1);
  if (const auto asked = Number(Parameter(request, "timeoutSeconds")); asked > 0) {
    end = begun + std::chrono::seconds(asked);
  }
  {
    const MutexLock lock(mutex_);
    refused = Parameter(request, "sendInitialEvents") == "true" &&
              options_.streaming_lists == StreamingLists::kRefused;
    refusal = refusal_;
    hold_back = hold_watches_back_;
    too_large = Parameter(request, "sendInitialEvents") == "true" &&
                Number(Parameter(request, "resourceVersion")) > version_;
    end = std::min(end, begun + longest_watch_);
    lines = FirstLines(request, &state);
    state.compressed = options_.compression && AcceptsGzip(request) &&
                       Parameter(request, "sendInitialEvents") == "true" &&
                       options_.streaming_lists == StreamingLists::kSupported;
  }
  if (refused && !refusal.as_event) {
    return Refuse(http, refusal.code, ReasonOf(refusal.code),
                  "resourceVersionMatch is forbidden for watch");
  }
  if (too_large) return Refuse(http, 504, "Timeout", "Too large resource version");
  if (refused) lines = {EventLine("ERROR", StatusOf(refusal.code))};
  if (fault != nullptr && fault->kind == ServerFault::Kind::kErrorEvent) {
    lines = {EventLine("ERROR", kInternalError)};
  }
  if (fault != nullptr && fault->kind == ServerFault::Kind::kExpiredEvent) {
    lines = {EventLine("ERROR", kExpired)};
  }
  if (fault != nullptr && fault->kind == ServerFault::Kind::kOversized) {
    lines.push_back(
        EventLine("ADDED", "{\"x\":\"" + std::string(std::size_t{1} << 20, 'x') + "\"}"));
  }
  if (hold_back) http.HoldBack();
  if (!http.BeginChunks(fault != nullptr ? fault->body : BodyFault(),
                        state.compressed ? kGzipHeader : "")) {
    return false;
  }
  for (;;) {
    if (!SendLines(http, lines, fault, &state)) return false;
    {
      const MutexLock lock(mutex_);
      std::uint64_t drained = 0;
      (void)!read(connection.event.get(), &drained, sizeof drained);
      if (epoch_ != state.epoch) return false;
      lines = NextLines(&state);
      if (!lines.empty()) continue;
      idle_watchers_.insert(&connection);
      changed_.NotifyAll();
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    const bool more = left.count() > 0 && http.WaitFor(connection.event.get(), left);
    {
      const MutexLock lock(mutex_);
      idle_watchers_.erase(&connection);
    }
    if (!more) return left.count() <= 0 && http.EndChunks();
  }
}

}  // namespace downwardfs
