// SPDX-License-Identifier: Apache-2.0
// Which requests go through a proxy, and what it is told.
#include <gtest/gtest.h>

#include <cstdlib>

#include "client/http/proxy_rules.h"
#include "tests/client/http/transport_parts.h"

namespace downwardfs::client {
namespace {

TEST(TransportTest, AProxyIsAskedAndSeesNoToken) {
  FakeApiServer server;
  FakeApiServer proxy({.tls = false});
  ClusterConfig config = ConfigFor(server);
  config.proxy_url = proxy.url();
  Credentials credentials;
  credentials.bearer_token = kSecret;
  config.credentials = FixedCredentials(credentials, "token of user dev");
  EXPECT_FALSE(ClientFor(config).Get(Pods()));  // this proxy refuses
  ASSERT_EQ(proxy.Requests().size(), 1u);
  EXPECT_EQ(proxy.LastHeaders().count("authorization"), 0u);
  EXPECT_EQ(server.Connections(), 0u);
}

// Sets a variable of the environment for a test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Variable() { unsetenv(name_); }

 private:
  const char* const name_;
};

TEST(TransportTest, TheEnvironmentsProxyIsNotForLoopbackNorForNoProxy) {
  FakeApiServer server({.tls = false});
  FakeApiServer proxy({.tls = false});
  server.Put("default", "p", "x");
  const Variable variable("HTTP_PROXY", proxy.url());
  ClusterConfig config = ConfigFor(server);
  EXPECT_TRUE(ClientFor(config).Get(Pods()));  // 127.0.0.1
  EXPECT_EQ(proxy.Connections(), 0u);
  config.server = "http://api.test:" + std::to_string(server.port());
  EXPECT_FALSE(ClientFor(config).Get(Pods()));
  EXPECT_EQ(proxy.Connections(), 1u);
  const Variable exempt("NO_PROXY", "api.test");
  EXPECT_FALSE(ClientFor(config).Get(Pods()));  // an unknown host
  EXPECT_EQ(proxy.Connections(), 1u);
  // A proxy of the configuration is used in any case.
  config.proxy_url = proxy.url();
  EXPECT_FALSE(ClientFor(config).Get(Pods()));
  EXPECT_EQ(proxy.Connections(), 2u);
  config.server = server.url();
  EXPECT_FALSE(ClientFor(config).Get(Pods()));
  EXPECT_EQ(proxy.Connections(), 3u);
}

TEST(TransportTest, NoProxyIsAboutTheServersHostNotAboutItsTlsName) {
  FakeApiServer proxy({.tls = false});
  const Variable variable("HTTPS_PROXY", proxy.url());
  const Variable exempt("NO_PROXY", "kubernetes.default");
  ClusterConfig config;
  config.server = "https://api.test:6443";
  config.tls_server_name = "kubernetes.default";
  EXPECT_FALSE(ClientFor(config).Get(Pods()));
  EXPECT_EQ(proxy.Connections(), 1u);
}

TEST(ProxyRulesTest, NoProxyMatchesAsInGo) {
  struct Case {
    const char* server;
    const char* no_proxy;
    bool bypassed;
  };
  const Case cases[] = {
      {"https://localhost:6443", "", true},
      {"https://127.3.2.1", "", true},
      {"https://[::1]:6443", "", true},
      {"https://10.0.0.1:6443", "", false},
      {"https://10.0.0.1:6443", "*", true},
      {"https://10.0.0.1:6443", "a.b, 10.0.0.1", true},
      {"https://10.0.0.1:6443", "10.0.0.1:6443", true},
      {"https://10.0.0.1:6443", "10.0.0.1:443", false},
      {"https://10.0.0.1", "10.0.0.1:443", true},
      {"https://10.0.0.1:6443", "10.0.0.0/8", true},
      {"https://11.0.0.1:6443", "10.0.0.0/8", false},
      {"https://[fd00::1]:6443", "fd00::/16", true},
      {"https://[fd00::1]:6443", "[fd00::1]:6443", true},
      {"https://[fd00::1]:6443", "fd00::1", true},
      {"https://api.example.com", "example.com", true},
      {"https://API.example.com", "EXAMPLE.com", true},
      {"https://example.com", ".example.com", false},
      {"https://api.example.com", "*.example.com", true},
      {"https://notexample.com", "example.com", false},
      {"https://10.0.0.1:6443", "1,,0.0.1,10.0.0.0/99,/8,x/y", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(BypassesProxy(SplitUrl(c.server), c.no_proxy), c.bypassed)
        << c.server << " by " << c.no_proxy;
  }
}

TEST(ProxyRulesTest, NamesAreLeftToASocksProxy) {
  EXPECT_EQ(ProxyForCurl("socks5://p:1080"), "socks5h://p:1080");
  EXPECT_EQ(ProxyForCurl("SOCKS5://u:p@P:1080"), "socks5h://u:p@P:1080");
  for (const char* as_it_is : {"socks5h://p", "http://socks5://", ""}) {
    EXPECT_EQ(ProxyForCurl(as_it_is), as_it_is);
  }
}

}  // namespace
}  // namespace downwardfs::client
