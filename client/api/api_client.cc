// SPDX-License-Identifier: Apache-2.0
#include "client/api/api_client.h"

#include "base/text.h"

namespace downwardfs::client {
namespace {

// No single object comes near this: etcd takes 1.5 MB by default.
constexpr std::size_t kUnaryBytes = std::size_t{32} << 20;
// Of a list that is asked for once, for one command.
constexpr std::size_t kListBytes = std::size_t{1} << 30;
constexpr std::size_t kMostPages = 100'000;
constexpr std::chrono::milliseconds kUnaryLimit{60'000};
constexpr std::chrono::milliseconds kListIdle{60'000};
constexpr char kPageSize[] = "500";

// Refuses what is no JSON before a byte of it is looked at, and hands on the rest.
class JsonHandler final : public ResponseHandler {
 public:
  JsonHandler(std::function<void()> started, std::function<Status(std::string_view)> body)
      : started_(std::move(started)), body_(std::move(body)) {}

  /// The server has accepted the request; what is wrong from here on is its answer.
  bool answered() const { return answered_; }
  NoAnswer no_answer() const { return no_answer_; }

  Status OnHead(const HttpResponse& head) override {
    answered_ = true;
    if (!head.content_type.starts_with("application/json")) {
      return Fail(
          ErrorCode::kInvalidArgument,
          "the answer is of type " + QuoteForMessage(head.content_type) +
              ", not application/json; check that the address is a Kubernetes API server's");
    }
    if (started_) started_();
    return {};
  }
  Status OnBody(std::string_view bytes) override { return body_(bytes); }
  void OnNoAnswer(NoAnswer why) override { no_answer_ = why; }

 private:
  std::function<void()> started_;
  std::function<Status(std::string_view)> body_;
  bool answered_ = false;
  NoAnswer no_answer_ = NoAnswer::kOther;
};

// A page that sends the client back to itself would have it ask for ever.
Status CheckProgress(const ListQuery& query, const ListMeta& page) {
  for (const auto& [name, value] : query.parameters) {
    if (name == "continue" && value == page.continue_token) {
      return Fail(ErrorCode::kUnavailable, "the list does not end: a page continues at itself");
    }
  }
  return {};
}

tl::unexpected<ApiFailure> FailWith(ApiFailure failure) {
  return tl::unexpected<ApiFailure>(std::move(failure));
}

// The transport's own errors name the server already.
ApiFailure OwnFailure(const ApiQuestion& question, Error error) {
  ApiFailure failure;
  if (!error.message.starts_with(question.server)) {
    error = std::move(error).WithContext(question.server + ": cannot " + question.verb + " " +
                                         question.path.Describe());
  }
  failure.error = std::move(error);
  return failure;
}

}  // namespace

ApiQuestion ApiClient::Question(const std::string& verb, const ResourcePath& path) const {
  return {transport_->Description(), transport_->Identity(), verb, path, transport_->ClusterWide()};
}

ApiResult<void> ApiClient::Stream(const ApiQuestion& question, const HttpRequest& request,
                                  std::function<void()> started,
                                  std::function<Status(std::string_view)> body,
                                  const std::function<Status()>& end, Cancellation* cancel) const {
  JsonHandler handler(std::move(started), std::move(body));
  auto response = transport_->Perform(request, handler, cancel);
  if (response && (response->status < 200 || response->status >= 300)) {
    return FailWith(FailureOf(question, *response));
  }
  Status done;
  if (response) {
    done = end();
  } else {
    done = Fail(std::move(response.error()));
  }
  if (done) return {};
  ApiFailure failure = OwnFailure(question, std::move(done.error()));
  failure.bad_answer = handler.answered() && failure.error.code == ErrorCode::kInvalidArgument;
  failure.no_connection = handler.no_answer() == NoAnswer::kNoConnection;
  failure.connection_lost = handler.no_answer() == NoAnswer::kConnectionLost;
  return FailWith(std::move(failure));
}

ApiResult<std::string> ApiClient::Unary(const ApiQuestion& question, HttpRequest request,
                                        Cancellation* cancel) const {
  request.total_limit = kUnaryLimit;
  std::string body;
  auto done = Stream(
      question, request, nullptr,
      [&body](std::string_view bytes) -> Status {
        if (body.size() + bytes.size() > kUnaryBytes) {
          return Fail(ErrorCode::kResourceExhausted, "the answer is larger than 32 MiB");
        }
        body += bytes;
        return {};
      },
      [] { return Status(); }, cancel);
  if (!done) return FailWith(std::move(done.error()));
  return body;
}

ApiResult<std::string> ApiClient::Get(const ResourcePath& path, Cancellation* cancel) const {
  HttpRequest request;
  request.target = path.UrlPath();
  return Unary(Question("get", path), std::move(request), cancel);
}

ApiResult<std::string> ApiClient::GetRaw(const std::string& target, Cancellation* cancel) const {
  HttpRequest request;
  request.target = target;
  ResourcePath path;
  path.resource = target;
  return Unary(Question("get", path), std::move(request), cancel);
}

ApiResult<ListMeta> ApiClient::ListPage(const ResourcePath& path, const ListQuery& query,
                                        ListSplitter::ItemHandler item,
                                        Cancellation* cancel) const {
  ListSplitter splitter(query.hint, std::move(item), query.limits);
  HttpRequest request;
  request.target = WithQuery(path.UrlPath(), query.parameters);
  request.idle_limit = query.idle_limit.value_or(kListIdle);
  request.total_limit = query.total_limit;
  ListMeta meta;
  auto done = Stream(
      Question("list", path), request, nullptr,
      [&splitter](std::string_view bytes) { return splitter.Feed(bytes); },
      [&]() -> Status {
        auto finished = splitter.Finish();
        if (!finished) return Fail(std::move(finished.error()));
        meta = std::move(*finished);
        return CheckProgress(query, meta);
      },
      cancel);
  if (!done) return FailWith(std::move(done.error()));
  return meta;
}

ApiResult<std::vector<std::string>> ApiClient::List(const ResourcePath& path,
                                                    const QueryParameters& selectors,
                                                    Cancellation* cancel) const {
  std::vector<std::string> objects;
  std::size_t bytes = 0;
  std::size_t pages = 0;
  QueryParameters paging{{"limit", kPageSize}};
  bool whole = false;
  for (;;) {
    ListQuery query;
    query.parameters = selectors;
    query.parameters.insert(query.parameters.end(), paging.begin(), paging.end());
    auto page = ListPage(
        path, query,
        [&](const ObjectView& object) -> Status {
          objects.emplace_back(object.json);
          bytes += object.json.size();
          if (bytes <= kListBytes) return {};
          return Fail(ErrorCode::kResourceExhausted, "the list is larger than 1 GiB");
        },
        cancel);
    if (!page && page.error().status == 410 && paging.size() > 1 && !whole) {
      // The pages took longer than the server remembers. As client-go's pager: all at once.
      whole = true;
      paging.clear();
      objects.clear();
      bytes = 0;
      continue;
    }
    if (!page) return FailWith(std::move(page.error()));
    if (page->continue_token.empty()) return objects;
    if (++pages > kMostPages) {
      return FailWith(OwnFailure(
          Question("list", path),
          Error{ErrorCode::kResourceExhausted, "the list does not end: it has more than " +
                                                   std::to_string(kMostPages) + " pages"}));
    }
    paging = {{"limit", kPageSize}, {"continue", page->continue_token}};
  }
}

ApiResult<void> ApiClient::Watch(const ResourcePath& path, const ListQuery& query,
                                 const WatchHandler& handler, Cancellation* cancel) const {
  WatchSplitter splitter(query.hint, handler.event, query.limits);
  HttpRequest request;
  QueryParameters parameters = query.parameters;
  parameters.emplace_back("watch", "true");
  request.target = WithQuery(path.UrlPath(), parameters);
  request.head_limit = query.head_limit;
  request.idle_limit = query.idle_limit.value_or(std::chrono::milliseconds(0));
  request.ends_with_silence = query.ends_with_silence;
  request.total_limit = query.total_limit;
  return Stream(
      Question("watch", path), request, handler.started,
      [&splitter](std::string_view bytes) { return splitter.Feed(bytes); },
      [&splitter] { return splitter.Finish(); }, cancel);
}

}  // namespace downwardfs::client
