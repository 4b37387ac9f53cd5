// SPDX-License-Identifier: Apache-2.0
// The shapes that an answer may take: codings, trailers, informational answers, bodies that end in
// different ways. Go's client, which is kubectl's, is the measure; where we differ we refuse in
// words.
#include <gmock/gmock.h>

#include "tests/client/capture.h"
#include "tests/client/http/transport_parts.h"
#include "tests/fakes/scripted_server.h"
#include "tests/support/gzip.h"

namespace downwardfs::client {
namespace {

using ::testing::HasSubstr;

constexpr char kJson[] = "Content-Type: application/json\r\n";
constexpr char kGzip[] = "Content-Encoding: gzip\r\n";
constexpr char kPod[] = R"({"kind":"Pod"})";
constexpr char kStatus[] =
    R"({"kind":"Status","status":"Failure","message":"pods \"p\" is forbidden","reason":"Forbidden","code":403})";

std::string Sized(const std::string& head, const std::string& body,
                  const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\n" + kJson + head +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string Chunk(std::string_view bytes) {
  char size[20];
  snprintf(size, sizeof size, "%zx", bytes.size());
  return std::string(size).append("\r\n").append(bytes).append("\r\n");
}

std::string Chunked(const std::string& head, const std::string& chunks) {
  return std::string("HTTP/1.1 200 OK\r\n") + kJson + head + "Transfer-Encoding: chunked\r\n\r\n" +
         chunks;
}

ApiResult<std::string> Ask(const ScriptedServer::Answer& answer) {
  ScriptedServer server([&](const ServedRequest&, std::size_t) { return answer; });
  ClusterConfig config;
  config.server = server.url();
  return ClientFor(config).Get(Pods());
}

struct Shape {
  const char* name;
  std::string bytes;
  bool close = false;
};

TEST(HttpShapesTest, WhatGoReadsIsRead) {
  const std::string gzip = Gzip(kPod);
  const std::string members = Gzip(R"({"kind":)") + Gzip("") + Gzip(R"("Pod"})");
  const Shape shapes[] = {
      {"plain", Sized("", kPod)},
      {"gzip", Sized(kGzip, gzip)},
      {"members", Sized(kGzip, members)},
      {"chunked members",
       Chunked(kGzip, Chunk(members.substr(0, 15)) + Chunk(members.substr(15)) + Chunk(""))},
      {"names in lower case", Sized("content-encoding:GZIP\r\n", gzip)},
      {"identity", Sized("Content-Encoding: identity\r\n", kPod)},
      {"an empty coding", Sized("Content-Encoding:\r\n", kPod)},
      {"until the connection ends",
       std::string("HTTP/1.1 200 OK\r\n") + kJson + kGzip + "\r\n" + gzip, true},
      {"HTTP/1.0", std::string("HTTP/1.0 200 OK\r\n") + kJson + kGzip + "\r\n" + gzip, true},
      {"no reason phrase", "HTTP/1.1 200\r\n" + Sized(kGzip, gzip).substr(17)},
      {"a trailer", Chunked("Trailer: X-Sum\r\n", Chunk(kPod) + "0\r\nX-Sum: 1\r\n\r\n")},
      {"a trailer that names a coding",
       Chunked("", Chunk(kPod) + "0\r\nContent-Encoding: gzip\r\n\r\n")},
      {"a chunk with an extension", Chunked("", "e;x=y\r\n" + std::string(kPod) + "\r\n0\r\n\r\n")},
      {"100 Continue", "HTTP/1.1 100 Continue\r\n\r\n" + Sized(kGzip, gzip)},
      {"103 with a coding of its own", std::string("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n") +
                                           kGzip + "\r\n" + Sized("", kPod)},
      {"several 1xx",
       "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + Sized(kGzip, gzip)},
      {"chunks win over a length",
       Chunked(std::string("Content-Length: 3\r\n") + kGzip, Chunk(gzip) + Chunk(""))},
  };
  for (const Shape& shape : shapes) {
    const auto pod = Ask({shape.bytes, shape.close});
    EXPECT_EQ(MessageOf(pod), std::string("no error: ") + kPod) << shape.name;
  }
}

TEST(HttpShapesTest, AnEmptyCompressedBodyIsAnEmptyBody) {
  for (const std::string& bytes :
       {Sized(kGzip, ""), Chunked(kGzip, Chunk("")), Sized(kGzip, Gzip("")),
        "HTTP/1.1 204 No Content\r\n" + std::string(kJson) + kGzip + "\r\n"}) {
    const auto body = Ask({bytes});
    EXPECT_EQ(MessageOf(body), "no error: ");
  }
}

struct Refusal {
  std::string bytes;
  const char* words;
  bool close = false;
};

TEST(HttpShapesTest, WhatCannotBeDecodedIsSaid) {
  const std::string gzip = Gzip(kPod);
  std::string damaged = gzip;
  damaged[gzip.size() - 6] ^= 1;
  const Refusal refusals[] = {
      {Sized("Content-Encoding: br\r\n", "xyz"), "its Content-Encoding is \"br\""},
      {Sized("Content-Encoding: deflate\r\n", "xyz"), "its Content-Encoding is \"deflate\""},
      {Sized("Content-Encoding: x-gzip\r\n", gzip), "its Content-Encoding is \"x-gzip\""},
      {Sized("Content-Encoding: gzip, gzip\r\n", Gzip(gzip)), "is \"gzip, gzip\""},
      {Sized(std::string(kGzip) + kGzip, Gzip(gzip)), "is \"gzip, gzip\""},
      // libcurl 8 says it in its own words.
      {Sized("Transfer-Encoding: gzip, chunked\r\n", gzip), " Transfer-Encoding "},
      {Sized(kGzip, kPod), "it is not gzip, though its Content-Encoding says so"},
      {Sized(kGzip, gzip + "more"), "garbage after gzip member 1"},
      {Sized(kGzip, gzip.substr(0, gzip.size() - 1)), "gzip member 1 ends early"},
      {Sized(kGzip, damaged), "its checksum does not match its content"},
      {std::string("HTTP/1.1 200 OK\r\n") + kJson + kGzip + "\r\n" + gzip.substr(0, 9),
       "gzip member 1 ends early", true},
  };
  for (const Refusal& refusal : refusals) {
    const auto pod = Ask({refusal.bytes, refusal.close});
    ASSERT_FALSE(pod) << refusal.words;
    EXPECT_THAT(pod.error().error.message, HasSubstr("its answer cannot be decoded: "));
    EXPECT_THAT(pod.error().error.message, HasSubstr(refusal.words));
    EXPECT_EQ(pod.error().error.code, ErrorCode::kUnavailable);  // as a connection that broke
    EXPECT_EQ(pod.error().status, 0);
  }
}

// The status counts, whatever came of the body that explains it.
TEST(HttpShapesTest, BodiesOfErrorsAreDecodedToo) {
  const std::string forbidden = "403 Forbidden";
  const std::string gzip = Gzip(kStatus);
  const auto said = [](const ApiResult<std::string>& result) {
    EXPECT_FALSE(result);
    EXPECT_EQ(result.error().status, 403);
    return result.error().error.message;
  };
  EXPECT_THAT(said(Ask({Sized(kGzip, gzip, forbidden)})), HasSubstr("pods \"p\" is forbidden"));
  EXPECT_THAT(said(Ask({Sized(kGzip, gzip.substr(0, 20), forbidden)})), HasSubstr("HTTP 403"));
  EXPECT_THAT(said(Ask({Sized(kGzip, kStatus, forbidden)})), HasSubstr("HTTP 403"));
  EXPECT_THAT(said(Ask({Sized("Content-Encoding: br\r\n", "xyz", forbidden)})),
              HasSubstr("HTTP 403"));
  // 64 KiB of it are kept, whatever it expands to.
  EXPECT_THAT(said(Ask({Sized(kGzip, Gzip(std::string(100 << 20, ' ')), forbidden)})),
              HasSubstr("HTTP 403"));
  EXPECT_THAT(said(Ask({Sized(kGzip, gzip + Gzip(std::string(1 << 20, '\n')), forbidden)})),
              HasSubstr("is forbidden"));
}

TEST(HttpShapesTest, ABodyThatIsShorterThanItSaysIsABrokenConnection) {
  std::string bytes = Sized("", kPod);
  bytes.pop_back();
  const auto pod = Ask({bytes, /*close=*/true});
  ASSERT_FALSE(pod);
  EXPECT_THAT(pod.error().error.message, HasSubstr("the connection broke"));
}

// A tenant's long annotations must not keep a list away for ever: it comes without compression.
TEST(HttpShapesTest, AfterABombNoCompressionIsOffered) {
  std::vector<std::string> offered;
  Mutex mutex;
  ScriptedServer server([&](const ServedRequest& request, std::size_t number) {
    const MutexLock lock(mutex);
    const auto at = request.headers.find("accept-encoding");
    offered.push_back(at == request.headers.end() ? "nothing" : at->second);
    return number == 0 ? ScriptedServer::Answer{Sized(kGzip, Gzip(std::string(100 << 20, ' ')))}
                       : ScriptedServer::Answer{Sized("", kPod)};
  });
  ClusterConfig config;
  config.server = server.url();
  const ApiClient client = ClientFor(config);
  const auto bomb =
      client.Watch(Pods(""), {}, {nullptr, [](const WatchEvent&) { return Status(); }});
  ASSERT_FALSE(bomb);
  EXPECT_EQ(bomb.error().error.message,
            server.url() +
                ": its answer was given up: it expands to more than 100 times its compressed size, "
                "by more than 32 MiB; asking without compression for a while");
  EXPECT_TRUE(client.Get(Pods()));
  const MutexLock lock(mutex);
  EXPECT_EQ(offered, (std::vector<std::string>{"gzip", "nothing"}));
}

TEST(HttpShapesTest, DisableCompressionOffersNone) {
  std::string offered;
  ScriptedServer server([&](const ServedRequest& request, std::size_t) {
    offered = request.headers.count("accept-encoding") > 0 ? "something" : "nothing";
    return ScriptedServer::Answer{Sized("", kPod)};
  });
  ClusterConfig config;
  config.server = server.url();
  config.disable_compression = true;
  EXPECT_TRUE(ClientFor(config).Get(Pods()));
  EXPECT_EQ(offered, "nothing");
}

// The bytes of a 1.37 API server: initial events, their bookmark and each burst are members.
TEST(HttpShapesTest, TheCapturedWatchComesThroughInEveryCutAndByteByByte) {
  const std::string body = CaptureBody("watchlist-gzip-members-1.37.http");
  ASSERT_GT(body.size(), 3000u);
  ScriptedServer server([&](const ServedRequest&, std::size_t number) {
    std::string chunks;
    if (number == 0) {
      for (const char c : body) chunks += Chunk(std::string_view(&c, 1));
    } else {
      chunks = Chunk(std::string_view(body).substr(0, number));
      if (number < body.size()) chunks += Chunk(std::string_view(body).substr(number));
    }
    return ScriptedServer::Answer{Chunked(kGzip, chunks + Chunk(""))};
  });
  ClusterConfig config;
  config.server = server.url();
  const ApiClient client = ClientFor(config);
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    std::string seen;
    WatchHandler handler;
    handler.event = [&](const WatchEvent& event) -> Status {
      seen += std::to_string(static_cast<int>(event.type)) + ":" +
              std::string(event.object.resource_version) +
              (event.object.initial_events_end ? "! " : " ");
      return {};
    };
    const auto done = client.Watch(Pods(""), {}, handler);
    ASSERT_TRUE(done) << cut << ": " << done.error().error.message;
    ASSERT_EQ(seen, "0:15302 3:15640! 1:15706 3:15740 3:15740 ") << cut;
  }
}

}  // namespace
}  // namespace downwardfs::client
