// SPDX-License-Identifier: Apache-2.0
// The transport with a server that speaks HTTP/2 alone, as API servers prefer to.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "client/http/curl_transport.h"
#include "tests/client/http/transport_parts.h"
#include "tests/fakes/http2_server.h"
#include "tests/support/gzip.h"

namespace downwardfs::client {
namespace {

// Collects a body; tells when its first bytes are there.
class Collector final : public ResponseHandler {
 public:
  Status OnHead(const HttpResponse& head) override {
    type_ = head.content_type;
    return {};
  }
  Status OnBody(std::string_view bytes) override {
    body_ += bytes;
    begun_ = true;
    begun_.notify_all();
    return {};
  }
  void WaitForBytes() const { begun_.wait(false); }
  const std::string& body() const { return body_; }  // once the request is done
  const std::string& type() const { return type_; }

 private:
  std::atomic<bool> begun_ = false;
  std::string body_;
  std::string type_;
};

TEST(Http2Test, AWatchAndOtherRequestsAreStreamsOfOneConnection) {
  const Http2Server server({R"({"type":"ADDED",)", R"("object":{}})", R"({"kind":"Pod"})"});
  CurlTransport transport(ConfigFor(server));

  Collector watch;
  Result<HttpResponse> watched;
  std::thread watching([&] {
    HttpRequest request;
    request.target = "/api/v1/pods?watch=true";
    watched = transport.Perform(request, watch, nullptr);
  });
  // Bytes of a body that has not ended are delivered.
  watch.WaitForBytes();
  Collector get;
  HttpRequest request;
  request.target = "/api/v1/namespaces/default/pods/web";
  const auto got = transport.Perform(request, get, nullptr);
  watching.join();

  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(get.type(), "application/json");
  EXPECT_EQ(get.body(), R"({"kind":"Pod"})");
  ASSERT_TRUE(watched) << watched.error().message;
  EXPECT_EQ(watch.body(), R"({"type":"ADDED","object":{}})");
  EXPECT_EQ(server.requests(), 2u);
  EXPECT_EQ(server.connections(), 1u);
}

TEST(Http2Test, MembersOfACompressedStreamAreDecoded) {
  const Http2Server server({Gzip("one ") + Gzip("two "), Gzip("three"), Gzip("answer"), "gzip"});
  CurlTransport transport(ConfigFor(server));
  Collector watch, get;
  Result<HttpResponse> watched;
  std::thread watching([&] { watched = transport.Perform({}, watch, nullptr); });
  watch.WaitForBytes();
  const auto got = transport.Perform({}, get, nullptr);
  watching.join();
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_TRUE(watched) << watched.error().message;
  EXPECT_EQ(watch.body(), "one two three");
  EXPECT_EQ(get.body(), "answer");
}

TEST(Http2Test, AnswersThatEndInOtherWaysAreComplete) {
  using Manner = Http2Server::Manner;
  for (const Manner manner : {Manner::kEarlyHints, Manner::kTrailers, Manner::kResetAfter}) {
    const Http2Server server({"", "", Gzip("answer"), "gzip", manner});
    CurlTransport transport(ConfigFor(server));
    Collector get;
    const auto got = transport.Perform({}, get, nullptr);
    ASSERT_TRUE(got) << static_cast<int>(manner) << ": " << got.error().message;
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(get.body(), "answer");
  }
}

// Go: "stream error: NO_ERROR". An answer that is cut off must not pass for a whole one.
TEST(Http2Test, AResetInsteadOfTheEndIsNoEnd) {
  const std::string gzip = Gzip("answer");
  const Http2Server server(
      {"", "", gzip.substr(0, gzip.size() - 4), "gzip", Http2Server::Manner::kResetInstead});
  CurlTransport transport(ConfigFor(server));
  Collector get;
  const auto got = transport.Perform({}, get, nullptr);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kUnavailable) << got.error().message;
}

}  // namespace
}  // namespace downwardfs::client
