// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>

#include "base/worker_thread.h"
#include "client/api/api_client.h"
#include "client/http/curl_transport.h"
#include "client/http/request_target.h"
#include "tests/client/http/transport_parts.h"
#include "tests/client/temp_dir.h"
#include "tests/fakes/fake_api_server.h"
#include "tests/fakes/fake_clock.h"

namespace downwardfs::client {
namespace {

// A provider whose token changes when it is asked to refresh.
class TwoTokens final : public CredentialProvider {
 public:
  Result<Credentials> Get(bool force_refresh) override {
    if (force_refresh) ++refreshes;
    Credentials credentials;
    credentials.bearer_token = refreshes > 0 ? second : kSecret;
    return credentials;
  }
  std::optional<Credentials> TryGet() override { return std::nullopt; }
  std::string Description() const override { return "token file /run/token"; }

  std::string second = "second-token";
  int refreshes = 0;
};

TEST(TransportTest, RefreshesOnceAfter401) {
  FakeApiServer server({.token = "second-token"});
  server.Put("default", "p", "x");
  auto provider = std::make_shared<TwoTokens>();
  ClusterConfig config = ConfigFor(server);
  config.credentials = provider;
  const ApiClient client = ClientFor(config);
  EXPECT_TRUE(client.Get(Pods()));
  EXPECT_EQ(provider->refreshes, 1);
  EXPECT_EQ(server.Requests().size(), 2u);

  server.SetToken("third-token");
  const auto refused = client.Get(Pods());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.code, ErrorCode::kUnauthenticated);
  // The refresh brought the same token: asking again would be useless.
  EXPECT_EQ(server.Requests().size(), 3u);
  EXPECT_EQ(MessageOf(refused),
            server.url() +
                ": cannot get pods \"p\" in namespace \"default\": the server refuses our "
                "credentials (token file /run/token); renew them or choose another user");
}

TEST(TransportTest, ASecretInNoMessage) {
  FakeApiServer server;
  ClusterConfig config = ConfigFor(server);
  Credentials credentials;
  credentials.bearer_token = std::string(kSecret) + "\r\nX-Other: header";
  config.credentials = FixedCredentials(credentials, "token of user dev");
  const auto refused = ClientFor(config).Get(Pods());
  EXPECT_EQ(MessageOf(refused), server.url() + ": token of user dev: contains a control character");
  EXPECT_TRUE(server.Requests().empty());
  for (const char* fault : {"404", "wrong type", "closed"}) {
    credentials.bearer_token = kSecret;
    config.credentials = FixedCredentials(credentials, "token of user dev");
    if (fault[0] == 'w') server.Inject({.kind = ServerFault::Kind::kWrongType});
    if (fault[0] == 'c') server.Inject({.kind = ServerFault::Kind::kClose});
    const auto answer = ClientFor(config).Get(Pods());
    ASSERT_FALSE(answer);
    EXPECT_EQ(MessageOf(answer).find(kSecret), std::string::npos);
    EXPECT_EQ(server.LastHeaders()["authorization"], std::string("Bearer ") + kSecret);
  }
}

TEST(TransportTest, RedirectsWithinTheServerOnly) {
  FakeApiServer server;
  FakeApiServer other;
  server.Put("default", "p", "x");
  const ApiClient client = ClientFor(ConfigFor(server));
  server.Inject(
      {.kind = ServerFault::Kind::kRedirect, .text = "/api/v1/namespaces/default/pods/p"});
  EXPECT_TRUE(client.Get(Pods("elsewhere")));
  server.Inject({.kind = ServerFault::Kind::kRedirect, .text = other.url() + "/api"});
  const auto refused = client.Get(Pods());
  EXPECT_NE(
      MessageOf(refused).find("redirects to \"" + other.url() + "/api\", which is not followed"),
      std::string::npos)
      << MessageOf(refused);
  EXPECT_EQ(other.Connections(), 0u);
  server.Inject({.kind = ServerFault::Kind::kRedirect, .text = "/loop"}, 10);
  EXPECT_FALSE(client.Get(Pods()));
}

TEST(TransportTest, TheCertificateMustBeTrustedAndNameTheServer) {
  FakeApiServer server({.certificate_names = "DNS:api.test"});
  server.Put("default", "p", "x");
  ClusterConfig config = ConfigFor(server);
  const auto wrong_name = ClientFor(config).Get(Pods());
  ASSERT_FALSE(wrong_name);
  EXPECT_EQ(wrong_name.error().error.code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(MessageOf(wrong_name).find("its certificate is not trusted"), std::string::npos);
  EXPECT_NE(MessageOf(wrong_name).find("name \"127.0.0.1\""), std::string::npos);

  config.tls_server_name = "api.test";
  EXPECT_TRUE(ClientFor(config).Get(Pods())) << MessageOf(ClientFor(config).Get(Pods()));
  EXPECT_EQ(server.LastHeaders()["host"], "127.0.0.1:" + std::to_string(server.port()));

  config.ca_pem = TestAuthority("another CA").pem();
  EXPECT_NE(MessageOf(ClientFor(config).Get(Pods())).find("signed by the CA data of the test"),
            std::string::npos);
  config.ca_pem.clear();  // the system's
  EXPECT_FALSE(ClientFor(config).Get(Pods()));
  config.insecure_skip_tls_verify = true;
  EXPECT_TRUE(ClientFor(config).Get(Pods()));
}

TEST(TransportTest, ARotatedCaFileIsPickedUp) {
  FakeApiServer server;
  server.Put("default", "p", "x");
  const TempDir dir;
  const std::string path = dir.Write("ca.pem", server.ca_pem());
  ClusterConfig config = ConfigFor(server);
  config.ca_pem.clear();
  config.ca_file = path;
  FakeClock clock;
  const ApiClient client = ClientFor(config, clock);
  ASSERT_TRUE(client.Get(Pods()));
  server.RotateCertificates();
  server.Drop();
  EXPECT_NE(MessageOf(client.Get(Pods())).find(path), std::string::npos);
  dir.Write("ca.pem", server.ca_pem());
  // At once: a failed handshake has the file read again before its interval is over.
  EXPECT_TRUE(client.Get(Pods())) << MessageOf(client.Get(Pods()));
}

TEST(TransportTest, ClientCertificates) {
  FakeApiServer server;
  server.Put("default", "p", "x");
  ClusterConfig config = ConfigFor(server);
  const CertificatePair dev = server.authority().Issue("dev", "");
  config.client_cert_pem = dev.cert_pem;
  config.client_key_pem = dev.key_pem;
  EXPECT_TRUE(ClientFor(config).Get(Pods()));
  EXPECT_EQ(server.LastHeaders()[":client"], "dev");
  // A certificate that the credentials bring replaces it.
  const CertificatePair plugin = server.authority().Issue("plugin", "");
  Credentials credentials;
  credentials.client_cert_pem = plugin.cert_pem;
  credentials.client_key_pem = plugin.key_pem;
  config.credentials = FixedCredentials(credentials, "exec plugin");
  EXPECT_TRUE(ClientFor(config).Get(Pods()));
  EXPECT_EQ(server.LastHeaders()[":client"], "plugin");
  config.credentials = AnonymousCredentials();
  config.client_key_pem = "garbage";
  config.user_name = "dev";
  EXPECT_EQ(MessageOf(ClientFor(config).Get(Pods())),
            server.url() +
                ": user \"dev\": client-key-data: it holds no PEM block (-----BEGIN "
                "...-----)");
}

TEST(TransportTest, ImpersonationAndBasicAuthentication) {
  FakeApiServer server;
  server.Put("default", "p", "x");
  ClusterConfig config = ConfigFor(server);
  config.impersonate.user = "jane";
  config.impersonate.groups = {"a", "b"};
  config.impersonate.extra["example.com/scopes"] = {"view"};
  Credentials credentials;
  credentials.username = "u";
  credentials.password = "p";
  config.credentials = FixedCredentials(credentials, "password of user dev");
  EXPECT_TRUE(ClientFor(config).Get(Pods()));
  auto headers = server.LastHeaders();
  EXPECT_EQ(headers["impersonate-user"], "jane");
  EXPECT_EQ(headers["impersonate-group"], "a,b");
  EXPECT_EQ(headers["impersonate-extra-example.com%2fscopes"], "view");
  EXPECT_EQ(headers["authorization"], "Basic dTpw");
}

TEST(TransportTest, PlainHttpAndGzipAndKeptConnections) {
  FakeApiServer server({.tls = false, .gzip = true});
  server.Put("default", "p", "x");
  ClusterConfig config;
  config.server = server.url();
  const ApiClient client = ClientFor(config);
  for (int i = 0; i < 5; ++i) {
    const auto pod = client.Get(Pods());
    ASSERT_TRUE(pod) << MessageOf(pod);
    EXPECT_TRUE(pod->starts_with(R"({"kind":"Pod")"));
  }
  EXPECT_EQ(server.LastHeaders()["accept-encoding"], "gzip");
  EXPECT_EQ(server.Connections(), 1u);
}

TEST(TransportTest, WhatCannotBeReachedIsSaid) {
  FakeApiServer server;
  ClusterConfig config = ConfigFor(server);
  server.Stop();
  EXPECT_NE(MessageOf(ClientFor(config).Get(Pods())).find("cannot connect"), std::string::npos);
  config.server = "https://no-such-host.invalid:6443";
  const std::string message = MessageOf(ClientFor(config).Get(Pods()));
  EXPECT_NE(message.find("https://no-such-host.invalid:6443: unknown host"), std::string::npos)
      << message;
  FakeApiServer plain({.tls = false});
  config.server = "https://127.0.0.1:" + std::to_string(plain.port());
  EXPECT_NE(MessageOf(ClientFor(config).Get(Pods())).find("TLS handshake failed"),
            std::string::npos);
}

TEST(TransportTest, ARequestIsCancelledFromAnotherThread) {
  FakeApiServer server;
  const ApiClient client = ClientFor(ConfigFor(server));
  Cancellation cancellation;
  ResourcePath path = Pods("");
  ListQuery query;
  query.parameters = {{"resourceVersion", "1"}};
  query.idle_limit = {};
  ApiResult<void> done;
  WorkerThread watcher("watcher", [&] {
    done = client.Watch(path, query, {nullptr, [](const WatchEvent&) { return Status(); }},
                        &cancellation);
  });
  ASSERT_TRUE(server.WaitForWatchers(1));
  cancellation.Cancel();
  watcher.Join();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().error.code, ErrorCode::kCancelled);
  EXPECT_FALSE(client.Get(Pods(), &cancellation));  // sticky
}

TEST(TransportTest, AnAnswerThatDoesNotBeginEndsARequest) {
  FakeApiServer server;
  const ApiClient client = ClientFor(ConfigFor(server));
  server.Inject({.kind = ServerFault::Kind::kNoHead});
  ListQuery query;
  query.head_limit = std::chrono::milliseconds(50);
  const auto done =
      client.Watch(Pods(""), query, {nullptr, [](const WatchEvent&) { return Status(); }});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().error.code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(done.error().error.message, server.url() + ": no answer: it did not begin within 1 s");
}

// A plugin that hangs is ended with its owner.
TEST(TransportTest, ShutdownEndsAPluginAndWhatWaitsForIt) {
  class Hanging final : public CredentialProvider {
   public:
    Result<Credentials> Get(bool) override {
      begun = true;
      begun.notify_all();
      over.wait(false);
      return Fail(ErrorCode::kCancelled, "shutting down");
    }
    std::optional<Credentials> TryGet() override { return std::nullopt; }
    void Cancel() override {
      over = true;
      over.notify_all();
    }
    std::string Description() const override { return "exec plugin"; }
    std::atomic<bool> begun = false;
    std::atomic<bool> over = false;
  };
  FakeApiServer server;
  ClusterConfig config = ConfigFor(server);
  const auto plugin = std::make_shared<Hanging>();
  config.credentials = plugin;
  CurlTransport transport(config);
  struct Nothing final : ResponseHandler {
    Status OnHead(const HttpResponse&) override { return {}; }
    Status OnBody(std::string_view) override { return {}; }
  } nothing;
  Result<HttpResponse> response;
  WorkerThread asking("asking", [&] { response = transport.Perform({}, nothing, nullptr); });
  plugin->begun.wait(false);
  transport.Shutdown();
  asking.Join();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kCancelled);
}

TEST(TransportTest, SilenceEndsARequest) {
  FakeApiServer server;
  const ApiClient client = ClientFor(ConfigFor(server));
  ListQuery query;
  query.parameters = {{"resourceVersion", "1"}};
  query.idle_limit = std::chrono::milliseconds(50);
  const auto done =
      client.Watch(Pods(""), query, {nullptr, [](const WatchEvent&) { return Status(); }});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().error.code, ErrorCode::kDeadlineExceeded);
}

TEST(RequestTargetTest, OnlyTheSameServerIsTheSameServer) {
  const std::string server = "https://h:6443/prefix";
  EXPECT_EQ(TargetOnSameServer(server, "https://H:6443/prefix/api?x=1"), "/api?x=1");
  for (const char* other : {"http://h:6443/prefix/api", "https://h/prefix/api",
                            "https://h:6443/api", "https://h:6443.evil/prefix/api",
                            "https://x@h:6443/prefix/api", "https://h:6443/prefixed"}) {
    EXPECT_FALSE(TargetOnSameServer(server, other)) << other;
  }
  EXPECT_EQ(TargetOnSameServer("https://[::1]", "https://[::1]:443/a"), "/a");
}

TEST(RequestTargetTest, AHostHeaderHasNeitherTheSchemesOwnPortNorAZone) {
  struct Case {
    const char* url;
    const char* host;
    const char* connect;
  };
  for (const Case& c :
       {Case{"https://h", "h", "h:443"}, Case{"https://h:443/x", "h", "h:443"},
        Case{"https://h:6443", "h:6443", "h:6443"}, Case{"http://h:443", "h:443", "h:443"},
        Case{"http://h:80", "h", "h:80"},
        Case{"https://[fe80::1%25eth0]", "[fe80::1]", "[fe80::1%eth0]:443"},
        Case{"https://[fe80::1%25eth0]:6443", "[fe80::1]:6443", "[fe80::1%eth0]:6443"}}) {
    EXPECT_EQ(HostHeader(SplitUrl(c.url)), c.host) << c.url;
    EXPECT_EQ(ConnectAddress(SplitUrl(c.url)), c.connect) << c.url;
  }
}

}  // namespace
}  // namespace downwardfs::client
