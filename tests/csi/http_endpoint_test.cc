// SPDX-License-Identifier: Apache-2.0
// HttpEndpoint: what it answers, and that nobody who reaches the port can make it cost much.
#include "csi/http_endpoint.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/tcp_listener.h"
#include "tests/support/read_to_end.h"

namespace downwardfs {
namespace {

using testing::ReadToEnd;

class HttpEndpointTest : public ::testing::Test {
 protected:
  HttpEndpointTest() {
    auto listener = ListenAtAddress("127.0.0.1:0");
    EXPECT_TRUE(listener) << listener.error().message;
    sockaddr_in at = {};
    socklen_t size = sizeof at;
    getsockname(listener->get(), reinterpret_cast<sockaddr*>(&at), &size);
    port_ = at.sin_port;
    auto endpoint =
        HttpEndpoint::Start(std::move(*listener), {{"/metrics", [this] {
                                                      ++made_;
                                                      return HttpPage{200, "text/plain", page_};
                                                    }}});
    EXPECT_TRUE(endpoint);
    endpoint_ = std::move(*endpoint);
  }

  OwnedFd Connect() const {
    OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at = {};
    at.sin_family = AF_INET;
    at.sin_port = port_;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    return fd;
  }
  static void Send(const OwnedFd& to, const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t wrote = send(to.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (wrote <= 0) return;  // the other side has had enough
      sent += static_cast<std::size_t>(wrote);
    }
  }
  std::string Ask(const std::string& request) const {
    const OwnedFd fd = Connect();
    Send(fd, request);
    return ReadToEnd(fd);
  }
  static std::string StatusOf(const std::string& answer) {
    return answer.substr(0, answer.find("\r\n"));
  }

  std::string page_ = "x 1\n";
  std::atomic<int> made_{0};
  in_port_t port_ = 0;
  std::unique_ptr<HttpEndpoint> endpoint_;
};

TEST_F(HttpEndpointTest, AnswersAPageAndCloses) {
  EXPECT_EQ(Ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n"
            "Connection: close\r\n\r\nx 1\n");
}

TEST_F(HttpEndpointTest, HeadHasNoBodyAndAQueryIsNoPartOfThePath) {
  const std::string answer = Ask("HEAD /metrics?a=b HTTP/1.0\r\n\r\n");
  EXPECT_EQ(StatusOf(answer), "HTTP/1.1 200 OK");
  EXPECT_EQ(answer.substr(answer.size() - 4), "\r\n\r\n");
}

TEST_F(HttpEndpointTest, RefusesTheRest) {
  EXPECT_EQ(StatusOf(Ask("GET /other HTTP/1.1\r\n\r\n")), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(StatusOf(Ask("POST /metrics HTTP/1.1\r\n\r\n")), "HTTP/1.1 405 Method Not Allowed");
  for (const char* const wrong : {"GET\r\n\r\n", "\r\n\r\n", "GET /metrics\r\n\r\n",
                                  "GET  HTTP/1.1\r\n\r\n", "GET /metrics HTTP/2\r\n\r\n"}) {
    EXPECT_EQ(StatusOf(Ask(wrong)), "HTTP/1.1 400 Bad Request") << wrong;
  }
  EXPECT_EQ(made_, 0);
}

TEST_F(HttpEndpointTest, AHeadInManyPiecesIsOneRequest) {
  const OwnedFd fd = Connect();
  for (const char c : std::string("GET /metrics HTTP/1.1\r\n\r\n")) Send(fd, std::string(1, c));
  EXPECT_EQ(StatusOf(ReadToEnd(fd)), "HTTP/1.1 200 OK");
}

TEST_F(HttpEndpointTest, AHeadWithoutEndIsRefused) {
  const OwnedFd fd = Connect();
  Send(fd, "GET /metrics HTTP/1.1\r\nX: " + std::string(8 << 10, 'a'));
  char first[13] = {};
  EXPECT_EQ(recv(fd.get(), first, 12, MSG_WAITALL), 12);
  EXPECT_STREQ(first, "HTTP/1.1 431");
}

TEST_F(HttpEndpointTest, ConnectionsThatSayNothingMakeRoomForOthers) {
  std::vector<OwnedFd> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(Connect());
  EXPECT_EQ(StatusOf(Ask("GET /metrics HTTP/1.1\r\n\r\n")), "HTTP/1.1 200 OK");
  EXPECT_EQ(ReadToEnd(silent.front()), "");
}

TEST_F(HttpEndpointTest, AReaderThatDoesNotReadIsGivenUp) {
  page_ = std::string(64 << 20, 'x');
  const OwnedFd lazy = Connect();
  Send(lazy, "GET /metrics HTTP/1.1\r\n\r\n");
  pollfd gone = {lazy.get(), POLLRDHUP, 0};
  EXPECT_EQ(poll(&gone, 1, 60000), 1);
}

TEST_F(HttpEndpointTest, ItEndsWhileSomebodyIsConnected) {
  const OwnedFd fd = Connect();
  Send(fd, "GET /met");
  endpoint_.reset();
  SUCCEED();
}

TEST(TcpListenerTest, SaysWhatAnAddressIs) {
  for (const char* const good :
       {"127.0.0.1:9808", ":9808", "[::1]:9808", "0.0.0.0:0", "[::]:65535"}) {
    EXPECT_EQ(AddressTrouble(good), "") << good;
  }
  for (const char* const bad : {"", ":", "9808", "localhost:9808", "127.0.0.1:", "127.0.0.1:65536",
                                "127.0.0.1:-1", "::1:9808", "[127.0.0.1]:9808", "[::1]", "x:http",
                                "127.0.0.1:9808 ", "[]:1", "127.0.0.1:000000"}) {
    EXPECT_NE(AddressTrouble(bad), "") << bad;
  }
}

TEST(TcpListenerTest, AllAddressesAreThoseOfBothProtocols) {
  auto listener = ListenAtAddress(":0");
  ASSERT_TRUE(listener) << listener.error().message;
  sockaddr_in6 at = {};
  socklen_t size = sizeof at;
  getsockname(listener->get(), reinterpret_cast<sockaddr*>(&at), &size);
  const OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = at.sin6_port;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
}

TEST(TcpListenerTest, APortThatIsTakenIsAnError) {
  auto first = ListenAtAddress("127.0.0.1:0");
  ASSERT_TRUE(first);
  sockaddr_in at = {};
  socklen_t size = sizeof at;
  getsockname(first->get(), reinterpret_cast<sockaddr*>(&at), &size);
  const std::string address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  auto second = ListenAtAddress(address);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(address), std::string::npos) << second.error().message;
}

}  // namespace
}  // namespace downwardfs
