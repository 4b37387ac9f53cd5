// SPDX-License-Identifier: Apache-2.0
// Which configuration a context means, and the rules its entries must keep (clientcmd's validation;
// each refusal was seen with `kubectl --kubeconfig F get --raw /version` too, unless it says not).
#include "client/config/select_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"

namespace downwardfs::client {
namespace {

using testing::HasSubstr;

constexpr char kCert[] = "-----BEGIN CERTIFICATE-----\n";

// A kubeconfig of one context, with fields of its cluster, user and context put in.
std::string Config(const std::string& cluster, const std::string& user,
                   const std::string& context = "") {
  return "clusters: [{name: c, cluster: {" + cluster + "}}]\nusers: [{name: u, user: {" + user +
         "}}]\ncontexts: [{name: x, context: {cluster: c, user: u, " + context +
         "}}]\ncurrent-context: x\n";
}

Result<ClusterConfig> Select(const std::string& text, const std::string& context = "") {
  const auto parsed = ParseKubeconfig(text, "/k/config");
  if (!parsed) return Fail(parsed.error());
  return SelectContext(*parsed, context);
}

ClusterConfig Good(const std::string& text, const std::string& context = "") {
  auto config = Select(text, context);
  EXPECT_TRUE(config) << (config ? "" : config.error().message);
  return config ? *config : ClusterConfig{};
}

const std::string kServer = "server: 'https://h:6443/'";

TEST(SelectContextTest, TakesClusterUserAndNamespace) {
  const auto config = Good(Config(kServer + ", certificate-authority: ca, tls-server-name: name",
                                  "token: tok, as: boss, as-groups: [g]", "namespace: team-a"));
  EXPECT_EQ(config.server, "https://h:6443");
  EXPECT_EQ(config.ca_file, "/k/ca");
  EXPECT_EQ(config.tls_server_name, "name");
  EXPECT_EQ(config.default_namespace, "team-a");
  EXPECT_EQ(config.impersonate.user, "boss");
  EXPECT_EQ(config.credentials->Get(false)->bearer_token, "tok");
  EXPECT_EQ(config.origin, "context \"x\" of /k/config");
  EXPECT_EQ(config.credentials->Description(), "token of user \"u\" of /k/config");
}

TEST(SelectContextTest, NoUserMeansNoCredentials) {
  const auto config = Good(
      "clusters: [{name: c, cluster: {server: 'https://h'}}]\n"
      "contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n");
  EXPECT_EQ(config.credentials->Get(false).value(), Credentials{});
  EXPECT_EQ(config.default_namespace, "default");
}

TEST(SelectContextTest, NothingSecretIsKeptForPlainHttp) {
  const auto config = Good(Config("server: 'http://127.0.0.1:8001', certificate-authority: ca",
                                  "token: tok, client-certificate: a, client-key: b, as: boss"));
  EXPECT_EQ(config.credentials->Get(false).value(), Credentials{});
  EXPECT_EQ(config.ca_file + config.client_cert_file + config.client_key_file, "");
  EXPECT_EQ(config.impersonate.user, "boss");
}

TEST(SelectContextTest, AServerWithoutSchemeIsHttpsIfThereIsAnyTlsSetting) {
  EXPECT_EQ(Good(Config("server: 'h:1'", "")).server, "http://h:1");
  EXPECT_EQ(Good(Config("server: 'h:1', insecure-skip-tls-verify: true", "")).server,
            "https://h:1");
}

TEST(SelectContextTest, BasicCredentialsWinOverThePlugin) {
  const auto config = Good(
      Config(kServer,
             "username: me, password: pw, exec: {apiVersion: client.authentication.k8s.io/v1beta1,"
             " command: /bin/false}"));
  EXPECT_EQ(config.credentials->Get(false)->username, "me");
}

TEST(SelectContextTest, AKeyWithoutACertificateIsPassedOver) {
  const auto config = Good(Config(kServer, "client-key: nothing, token: t"));
  EXPECT_EQ(config.client_key_file, "");
}

TEST(SelectContextTest, ContextByNameAndUnknownOnes) {
  const std::string text = Config(kServer, "") + "kind: Config\n";
  EXPECT_TRUE(Select(text, "x"));
  const auto unknown = Select(text, "zz");
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(unknown.error().message,
            "kubeconfig /k/config: context \"zz\" does not exist (it has \"x\")");
  EXPECT_EQ(Select("current-context: gone").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Select("kind: Config").error().code, ErrorCode::kNotFound);
}

struct BadContext {
  std::string cluster;
  std::string user;
  std::string context;
  const char* message;
};

class BadContextTest : public testing::TestWithParam<BadContext> {};

TEST_P(BadContextTest, NamesFileEntryAndRule) {
  const BadContext& bad = GetParam();
  const auto config = Select(Config(bad.cluster, bad.user, bad.context));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(config.error().message, testing::StartsWith("/k/config: "));
  EXPECT_THAT(config.error().message, HasSubstr(bad.message));
  EXPECT_THAT(config.error().message, testing::Not(HasSubstr("SECRET")));
}

const std::string kPem = Base64Encode(kCert);

INSTANTIATE_TEST_SUITE_P(
    All, BadContextTest,
    testing::Values(
        BadContext{"", "", "", "cluster \"c\": it has no server"},
        BadContext{"server: 'ftp://h'", "", "", "must begin with https:// or http://"},
        BadContext{"server: 'https://me:SECRET@h'", "", "", "must not hold a user name"},
        BadContext{kServer + ", certificate-authority: a, certificate-authority-data: " + kPem, "",
                   "", "both given"},
        BadContext{kServer + ", certificate-authority: a, insecure-skip-tls-verify: true", "", "",
                   "exclude each other"},
        BadContext{kServer + ", certificate-authority-data: U0VDUkVU", "", "", "not PEM"},
        BadContext{kServer + ", proxy-url: 'ftp://me:SECRET@p'", "", "", "proxy-url: must begin"},
        BadContext{kServer, "token: SECRET, username: a", "", "token and username/password"},
        BadContext{kServer, "token: 'SECRET x'", "", "token: the token contains white space"},
        BadContext{kServer, "client-certificate: a", "", "needs client-key"},
        BadContext{kServer, "client-certificate: a, client-certificate-data: " + kPem, "",
                   "client-certificate and client-certificate-data"},
        BadContext{kServer, "client-certificate: a, client-key: b, client-key-data: " + kPem, "",
                   "client-key and client-key-data"},
        BadContext{kServer, "client-certificate: a, client-key-data: U0VDUkVU", "",
                   "client-key-data is base64 of something that is not PEM"},
        BadContext{kServer, "as-uid: SECRET", "", "need `as`"},
        BadContext{kServer, "auth-provider: {name: gcp, config: {access-token: SECRET}}", "",
                   "auth-provider \"gcp\" was removed from kubectl in 1.26; use the exec plugin "
                   "gke-gcloud-auth-plugin"},
        BadContext{kServer, "auth-provider: {name: oidc, config: {id-token: SECRET}}", "",
                   "auth-provider oidc: config needs idp-issuer-url"},
        BadContext{kServer, "auth-provider: {name: magic}", "",
                   "\"magic\" is not known to kubectl"},
        BadContext{kServer, "exec: {apiVersion: client.authentication.k8s.io/v1}", "",
                   "user \"u\": users[0].user.exec.command"},
        BadContext{kServer, "", "namespace: a/b",
                   "must be a DNS label"}));  // kubectl asks and fails

TEST(SelectContextTest, ReferencesThatLeadNowhere) {
  EXPECT_EQ(
      Select("contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x").error().message,
      "/k/config: context \"x\": its cluster \"c\" does not exist");
  // Here kubectl would go on without credentials.
  EXPECT_EQ(Select("clusters: [{name: c, cluster: {server: 'https://h'}}]\n"
                   "contexts: [{name: x, context: {cluster: c, user: gone}}]\ncurrent-context: x")
                .error()
                .message,
            "/k/config: context \"x\": its user \"gone\" does not exist");
}

}  // namespace
}  // namespace downwardfs::client
