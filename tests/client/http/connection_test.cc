// SPDX-License-Identifier: Apache-2.0
// Which connections are trusted: silent ones, dead ones, those before a fault, and plain http.
// Rule for dead ones: client-go's ReadIdleTimeout and PingTimeout (x/net/http2).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/owned_fd.h"
#include "client/http/curl_transport.h"
#include "client/http/local_cause.h"
#include "tests/client/http/transport_parts.h"
#include "tests/fakes/http2_server.h"

namespace downwardfs::client {
namespace {

constexpr std::chrono::minutes kNever{10};

// Takes an answer and tells when its head is there.
class Answer final : public ResponseHandler {
 public:
  Status OnHead(const HttpResponse&) override {
    begun_ = true;
    begun_.notify_all();
    return {};
  }
  Status OnBody(std::string_view bytes) override {
    body_ += bytes;
    return {};
  }
  void WaitForHead() const { begun_.wait(false); }
  const std::string& body() const { return body_; }  // once the request is done

 private:
  std::atomic<bool> begun_ = false;
  std::string body_;
};

HttpRequest RequestFor(const std::string& target, std::chrono::milliseconds head_limit) {
  HttpRequest request;
  request.target = target;
  request.head_limit = head_limit;
  request.idle_limit = kNever;
  return request;
}

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() = default;
  ~ConnectionTest() override {
    cancel_.Cancel();
    if (watching_.joinable()) watching_.join();
  }

  void Serve(Http2Server::Faults faults, LivenessLimits limits = {kNever, kNever}) {
    server_ =
        std::make_unique<Http2Server>(Http2Server::Bodies{"", "", R"({"kind":"Pod"})"}, faults);
    ClusterConfig config;
    config.server = server_->url();
    config.ca_pem = server_->ca_pem();
    transport_ = std::make_unique<CurlTransport>(config, Clock::Real(), limits);
  }
  // A watch on the first connection; returns once it runs.
  void Watch() {
    watching_ = std::thread([this] {
      watched_ =
          transport_->Perform(RequestFor("/api/v1/pods?watch=true", kNever), watch_, &cancel_);
      watch_over_ = true;
      watch_over_.notify_all();
    });
    watch_.WaitForHead();
  }
  Result<HttpResponse> Get(std::chrono::milliseconds limit = kNever) {
    Answer answer;
    return transport_->Perform(RequestFor("/api/v1/pods/p", limit), answer, nullptr);
  }

  std::unique_ptr<Http2Server> server_;
  std::unique_ptr<CurlTransport> transport_;
  Cancellation cancel_;
  Answer watch_;
  Result<HttpResponse> watched_;
  std::atomic<bool> watch_over_ = false;
  std::thread watching_;
};

TEST_F(ConnectionTest, ASilentConnectionThatAnswersIsKept) {
  Serve({.endless_watch = true}, {std::chrono::milliseconds(20), kNever});
  Watch();
  server_->WaitForRequests(4);  // the watch, and three times the question
  EXPECT_FALSE(watch_over_);
  EXPECT_EQ(server_->connections(), 1u);
}

// Behind a box that acknowledges everything: TCP never notices.
TEST_F(ConnectionTest, AConnectionThatAnswersNothingIsLost) {
  Serve({.endless_watch = true, .first_answers = 1},
        {std::chrono::milliseconds(20), std::chrono::milliseconds(500)});
  Watch();
  watch_over_.wait(false);
  ASSERT_FALSE(watched_);
  EXPECT_EQ(watched_.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(watched_.error().message.find("the connection is dead: nothing came for"),
            std::string::npos)
      << watched_.error().message;
  // The next request has another connection.
  const auto answered = Get();
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_EQ(server_->connections(), 2u);
}

TEST_F(ConnectionTest, AfterAFaultOneNewConnectionIsSharedByAll) {
  Serve({.first_is_dead = true});
  ASSERT_FALSE(Get(std::chrono::seconds(2)));
  for (int i = 0; i < 5; ++i) {
    const auto answered = Get();
    ASSERT_TRUE(answered) << answered.error().message;
  }
  EXPECT_EQ(server_->connections(), 2u);
}

// curl prefers a connection in use to a new one, however old it is.
TEST_F(ConnectionTest, AConnectionFromBeforeAFaultGetsNoNewRequest) {
  Serve({.endless_watch = true, .first_answers = 1});
  Watch();
  ASSERT_FALSE(Get(std::chrono::milliseconds(200)));
  for (int i = 0; i < 3; ++i) {
    const auto answered = Get();
    ASSERT_TRUE(answered) << answered.error().message;
  }
  EXPECT_EQ(server_->connections(), 2u);
  EXPECT_FALSE(watch_over_);  // it stays where it is
}

// As API servers do that want to spread their clients (--goaway-chance).
TEST_F(ConnectionTest, GoAwayAfterEachAnswerLosesNone) {
  Serve({.endless_watch = true, .goaway = true});
  Watch();
  std::vector<std::thread> clients;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      for (int n = 0; n < 5; ++n) answered += Get() ? 1 : 0;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, 20);
  EXPECT_FALSE(watch_over_);
}

TEST_F(ConnectionTest, AServerOfOneStreamAConnectionIsGivenMoreConnections) {
  Serve({.endless_watch = true, .one_stream = true}, {std::chrono::milliseconds(20), kNever});
  Watch();
  for (int i = 0; i < 5; ++i) {
    const auto answered = Get();
    ASSERT_TRUE(answered) << answered.error().message;
  }
  EXPECT_FALSE(watch_over_);
  // The watch's, one for all others, and one for each question whether the watch's still answers,
  // of which a slow machine sees more than one; not one for each request.
  EXPECT_LT(server_->connections(), 6u);
}

// HTTP/1.1 has one request on a connection: the second must not wait for the answer to the first.
TEST(PlainHttpTest, ARequestDoesNotWaitForAnotherOnesAnswer) {
  FakeApiServer server({.tls = false});
  server.Put("default", "p", "one");
  server.Inject({.kind = ServerFault::Kind::kNoHead, .verb = "watch", .body = {}, .text = {}});
  CurlTransport transport(ConfigFor(server));
  Cancellation cancel;
  Answer watch;
  std::thread watching([&] {
    (void)transport.Perform(RequestFor("/api/v1/pods?watch=true", kNever), watch, &cancel);
  });
  while (server.FaultsLeft() > 0) std::this_thread::yield();
  Answer pod;
  const auto got = transport.Perform(
      RequestFor("/api/v1/namespaces/default/pods/p", std::chrono::minutes(1)), pod, nullptr);
  cancel.Cancel();
  watching.join();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_NE(pod.body().find(R"("name":"p")"), std::string::npos);
}

// Leaves this process without a free descriptor for as long as it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &few);
    for (;;) {
      OwnedFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!fd) break;
      taken_.push_back(std::move(fd));
    }
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_ = {};
  std::vector<OwnedFd> taken_;
};

// UBSan looks at an object through a pipe when it meets its type for the first time, and takes it
// for a wrong one if it gets no descriptor for that.
void MeetTheTypes() {
  EXPECT_FALSE(ErrnoError(EMFILE, "open").message.empty());
  ClusterConfig config;
  config.server = "https://127.0.0.1:1";
  CurlTransport transport(config);
  Answer answer;
  EXPECT_FALSE(transport.Perform(RequestFor("/api/v1/pods", kNever), answer, nullptr));
}

TEST(LocalCauseTest, AProcessWithoutDescriptorsBlamesNoServer) {
  MeetTheTypes();
  for (const char* url : {"https://127.0.0.1:1", "https://localhost:1", "http://127.0.0.1:1"}) {
    ClusterConfig config;
    config.server = url;
    CurlTransport transport(config);
    Answer answer;
    Result<HttpResponse> got;
    {
      const NoDescriptors none;
      got = transport.Perform(RequestFor("/api/v1/pods", kNever), answer, nullptr);
    }
    ASSERT_FALSE(got);
    const std::string& message = got.error().message;
    EXPECT_NE(message.find("no file descriptor left (its limit is 100)"), std::string::npos)
        << message;
    EXPECT_EQ(message.find("API server runs"), std::string::npos) << message;
  }
}

// A transport that is made in such a moment is of use after it.
TEST(LocalCauseTest, AShortageAtTheStartPasses) {
  MeetTheTypes();
  ClusterConfig config;
  config.server = "http://127.0.0.1:1";
  std::unique_ptr<CurlTransport> transport;
  Answer answer;
  for (const bool shortage : {true, false}) {
    std::unique_ptr<NoDescriptors> none;
    if (shortage) none = std::make_unique<NoDescriptors>();
    if (!transport) transport = std::make_unique<CurlTransport>(config);
    const auto got = transport->Perform(RequestFor("/api/v1/pods", kNever), answer, nullptr);
    none.reset();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().message.find("no file descriptor left") != std::string::npos, shortage)
        << got.error().message;
  }
}

TEST(LocalCauseTest, OnlyThisMachinesReasonsAreItsOwn) {
  for (const int local : {EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL, EPERM, ENETUNREACH}) {
    EXPECT_TRUE(LocalCause(local)) << local;
  }
  for (const int remote : {0, ECONNREFUSED, ETIMEDOUT, ECONNRESET, EHOSTUNREACH}) {
    EXPECT_FALSE(LocalCause(remote)) << remote;
  }
  EXPECT_EQ(DescriptorShortage(), 0);
}

}  // namespace
}  // namespace downwardfs::client
