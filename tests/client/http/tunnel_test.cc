// SPDX-License-Identifier: Apache-2.0
// Servers behind a proxy: what the proxy is trusted by, how long it may take, and who is blamed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/http/curl_loop.h"
#include "client/http/proxy_rules.h"
#include "tests/client/http/transport_parts.h"
#include "tests/fakes/tunnel_proxy.h"

namespace downwardfs::client {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class TunnelTest : public testing::Test {
 protected:
  TunnelTest() { server_.Put("default", "p", "x"); }

  std::shared_ptr<SSL_CTX> TlsOf(const TestAuthority& authority, const std::string& names) const {
    return MakeServerContext(authority.Issue("proxy", names), authority.pem());
  }
  std::string Answer(const TunnelProxy& proxy, const std::string& scheme) const {
    ClusterConfig config = ConfigFor(server_);
    config.proxy_url = scheme + "://user:pass@127.0.0.1:" + std::to_string(proxy.port());
    return MessageOf(ClientFor(config).Get(Pods()));
  }
  std::string Named(const TunnelProxy& proxy, const std::string& scheme) const {
    return "the proxy " + scheme + "://127.0.0.1:" + std::to_string(proxy.port());
  }

  FakeApiServer server_;
};

TEST_F(TunnelTest, AnHttpsProxyIsTrustedByTheClustersCa) {
  const TunnelProxy proxy({.tls = TlsOf(server_.authority(), "IP:127.0.0.1")});
  EXPECT_THAT(Answer(proxy, "https"), HasSubstr("\"kind\":\"Pod\""));
  EXPECT_EQ(proxy.Tunnels(), 1);
}

TEST_F(TunnelTest, AnUntrustedProxyIsBlamedAndNotTheServer) {
  const TestAuthority another("another CA");
  const TunnelProxy untrusted({.tls = TlsOf(another, "IP:127.0.0.1")});
  EXPECT_THAT(Answer(untrusted, "https"),
              AllOf(HasSubstr(Named(untrusted, "https") + ": its certificate is not trusted"),
                    HasSubstr("signed by the CA data of the test"), Not(HasSubstr("pass"))));
  const TunnelProxy misnamed({.tls = TlsOf(server_.authority(), "DNS:elsewhere")});
  EXPECT_THAT(Answer(misnamed, "https"), HasSubstr(Named(misnamed, "https") + ": its certificate"));
  EXPECT_EQ(server_.Connections(), 0u);
}

TEST_F(TunnelTest, TheServerIsBlamedForItsOwnCertificateBehindAProxy) {
  const TunnelProxy proxy({.tls = TlsOf(server_.authority(), "IP:127.0.0.1")});
  ClusterConfig config = ConfigFor(server_);
  config.proxy_url = "https://127.0.0.1:" + std::to_string(proxy.port());
  config.tls_server_name = "elsewhere.test";
  EXPECT_THAT(MessageOf(ClientFor(config).Get(Pods())),
              AllOf(HasSubstr("its certificate is not trusted"),
                    HasSubstr("name \"elsewhere.test\""), Not(HasSubstr("the proxy"))));
}

TEST_F(TunnelTest, AProxyThatRefusesIsNamedWithItsAnswer) {
  const TunnelProxy proxy({.answer = 403});
  EXPECT_THAT(Answer(proxy, "http"),
              AllOf(HasSubstr("cannot connect through " + Named(proxy, "http")),
                    HasSubstr("it answered CONNECT with HTTP 403"), Not(HasSubstr("pass"))));
  const TunnelProxy plain({});
  EXPECT_THAT(Answer(plain, "https"),
              HasSubstr("TLS handshake with " + Named(plain, "https") + " failed"));
}

// The limits of a loop's transfer, made short.
class TunnelLimitTest : public TunnelTest {
 protected:
  TransferResult Run(const TunnelProxy& proxy, const ConnectLimits& limits) const {
    struct Ignore final : ResponseHandler {
      Status OnHead(const HttpResponse&) override { return {}; }
      Status OnBody(std::string_view) override { return {}; }
    } ignore;
    TransferSpec spec;
    spec.url = server_.url() + "/api/v1/namespaces/default/pods/p";
    spec.proxy = "http://127.0.0.1:" + std::to_string(proxy.port());
    spec.trust.ca_pem = server_.ca_pem();
    spec.connect_limits = limits;
    CurlLoop loop;
    return loop.Run(spec, {}, ignore, nullptr);
  }
};

TEST_F(TunnelLimitTest, AProxyMayTakeLongerThanADialAndAHandshake) {
  const TunnelProxy proxy({.hold = milliseconds(2500)});
  const TransferResult result = Run(proxy, {.dial = milliseconds(1000), .tls = milliseconds(2000)});
  EXPECT_EQ(result.fault, TransferFault::kNone) << result.detail;
  EXPECT_EQ(result.response.status, 200);
}

TEST_F(TunnelLimitTest, AProxyThatDoesNotAnswerIsGivenUpAndBlamed) {
  const TunnelProxy proxy({.hold = std::chrono::hours(1)});
  const TransferResult result = Run(proxy, {.tunnel = milliseconds(50)});
  EXPECT_EQ(result.fault, TransferFault::kTimeout);
  EXPECT_FALSE(result.own_limit);
  EXPECT_TRUE(result.at_proxy);
  EXPECT_EQ(result.detail, "the proxy did not answer CONNECT within 1 s");
}

TEST(ProxyRulesTest, AProxyIsShownWithoutItsPassword) {
  EXPECT_EQ(ProxyForMessage("http://u:p@h:3128/x?y"), "http://h:3128");
  EXPECT_EQ(ProxyForMessage("http://u:p/@#@h:3128"), "http://h:3128");
  EXPECT_EQ(ProxyForMessage("https://h"), "https://h");
  EXPECT_EQ(ProxyForMessage("h:3128"), "h:3128");
}

}  // namespace
}  // namespace downwardfs::client
