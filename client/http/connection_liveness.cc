// SPDX-License-Identifier: Apache-2.0
#include "client/http/connection_liveness.h"

#include <algorithm>

#include "client/http/curl_transfer.h"

namespace downwardfs::client {
namespace {

// Takes an answer of which only that it came is of interest.
class AnyAnswer final : public ResponseHandler {
 public:
  Status OnHead(const HttpResponse&) override { return {}; }
  Status OnBody(std::string_view) override { return {}; }
};

}  // namespace

struct ConnectionLiveness::Question {
  TransferSpec spec;
  HttpRequest request;
  AnyAnswer handler;
  std::unique_ptr<CurlLoop::Transfer> transfer;
};

/// A connection that transfers are on, and what is known of it.
struct ConnectionLiveness::Connection {
  Clock::SteadyTime heard;  ///< when the last byte came
  bool used = true;         ///< transfers are on it
  bool http2 = false;
  bool unaskable = false;   ///< a question went out on another connection: this one takes no more
  bool unanswered = false;  ///< the question that began at `asked` got no answer
  Clock::SteadyTime asked{};
  std::unique_ptr<Question> question = nullptr;
};

ConnectionLiveness::ConnectionLiveness(LivenessLimits limits, const Clock& clock)
    : limits_(limits), clock_(clock) {}

ConnectionLiveness::~ConnectionLiveness() = default;

void ConnectionLiveness::Update(const Transfers& active) {
  for (auto& [port, connection] : connections_) connection->used = false;
  const auto now = clock_.Steady();
  for (const CurlLoop::Transfer* transfer : active) {
    const long port = transfer->LocalPort();
    if (port <= 0 || transfer->spec().liveness_url.empty()) continue;
    auto& known = connections_[port];
    if (known == nullptr) known = std::make_unique<Connection>(Connection{.heard = now});
    Connection& connection = *known;
    connection.used = true;
    connection.http2 = connection.http2 || transfer->IsHttp2();
    if (transfer->heard()) connection.heard = std::max(connection.heard, *transfer->heard());
  }
  std::erase_if(connections_,
                [](const auto& entry) { return !entry.second->used && !entry.second->question; });
}

void ConnectionLiveness::Ask(const CurlLoop::Transfer& silent, Connection* connection,
                             Transfers* begin) {
  connection->asked = clock_.Steady();
  auto question = std::make_unique<Question>();
  question->spec = silent.spec();
  question->spec.url = question->spec.liveness_url;
  // A question is not itself asked about.
  question->spec.liveness_url.clear();
  question->request.head_limit = limits_.answer;
  question->request.idle_limit = limits_.answer;
  question->transfer = std::make_unique<CurlLoop::Transfer>(question->spec, question->request,
                                                            question->handler, clock_);
  if (!question->transfer->SetUp()) {
    connection->unaskable = true;
    return;
  }
  begin->push_back(question->transfer.get());
  connection->question = std::move(question);
}

ConnectionLiveness::Transfers ConnectionLiveness::Look(const Transfers& active, Transfers* begin,
                                                       std::chrono::milliseconds* wait) {
  Update(active);
  Transfers lost;
  const auto now = clock_.Steady();
  for (auto& [port, known] : connections_) {
    Connection& connection = *known;
    if (!connection.http2 || connection.unaskable || connection.question) continue;
    const auto on_it = [port = port](const CurlLoop::Transfer* transfer) {
      return transfer->LocalPort() == port && !transfer->spec().liveness_url.empty();
    };
    if (std::exchange(connection.unanswered, false) && connection.heard < connection.asked) {
      std::copy_if(active.begin(), active.end(), std::back_inserter(lost), on_it);
      continue;
    }
    const auto due = connection.heard + limits_.silence;
    if (now < due) {
      *wait = std::min(*wait, std::chrono::ceil<std::chrono::milliseconds>(due - now));
      continue;
    }
    const auto silent = std::find_if(active.begin(), active.end(), on_it);
    if (silent != active.end()) Ask(**silent, &connection, begin);
  }
  return lost;
}

bool ConnectionLiveness::Finished(const CurlLoop::Transfer* transfer) {
  const auto at = connections_.find(transfer->LocalPort());
  const auto asks = [transfer](const auto& entry) {
    return entry.second->question && entry.second->question->transfer.get() == transfer;
  };
  const auto asked = std::find_if(connections_.begin(), connections_.end(), asks);
  if (asked == connections_.end()) {
    // The bytes that came at its end came over the connection.
    if (at != connections_.end() && transfer->heard()) {
      at->second->heard = std::max(at->second->heard, *transfer->heard());
    }
    return false;
  }
  Connection& connection = *asked->second;
  const TransferFault fault = transfer->fault();
  connection.unaskable = asked != at;
  connection.unanswered = fault == TransferFault::kTimeout;
  // An answer, or the end of the connection, of which its transfers hear as well.
  if (!connection.unanswered) connection.heard = clock_.Steady();
  connection.question.reset();
  return true;
}

}  // namespace downwardfs::client
