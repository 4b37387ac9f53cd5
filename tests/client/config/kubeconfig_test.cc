// SPDX-License-Identifier: Apache-2.0
// Parsing and merging. The behaviour of kubectl was looked up with
// `kubectl config view --merge --raw -o json` (1.32) on the same inputs.
#include "client/config/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/client/temp_dir.h"

namespace downwardfs::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Kubeconfig Parse(std::string_view text, const std::string& file = "/etc/kube/config") {
  auto config = ParseKubeconfig(text, file);
  EXPECT_TRUE(config) << (config ? "" : config.error().message);
  return config ? *config : Kubeconfig{};
}

std::string ErrorOf(std::string_view text) {
  const auto config = ParseKubeconfig(text, "/f");
  EXPECT_FALSE(config) << text;
  return config ? "" : config.error().message;
}

TEST(ParseKubeconfigTest, ReadsEveryFieldOfACluster) {
  const auto config = Parse(R"(
apiVersion: v1
kind: Config
preferences: {colors: true}
extensions: [{name: minikube, extension: {a: b}}]
clusters:
- name: c
  cluster:
    server: https://h:6443
    certificate-authority: ca.crt
    certificate-authority-data: |
      aGVs
      bG8=
    insecure-skip-tls-verify: true
    tls-server-name: other
    proxy-url: socks5://p:1080
    disable-compression: true
    unknown-field: 12
    extensions:
    - {name: other, extension: {}}
    - {name: client.authentication.k8s.io/exec, extension: {audience: a, num: 1}}
)");
  const KubeCluster& cluster = config.clusters.at("c");
  EXPECT_EQ(cluster.server, "https://h:6443");
  EXPECT_EQ(cluster.ca_file, "/etc/kube/ca.crt");
  EXPECT_EQ(cluster.ca_pem, "hello");
  EXPECT_TRUE(cluster.insecure_skip_tls_verify);
  EXPECT_EQ(cluster.tls_server_name, "other");
  EXPECT_EQ(cluster.proxy_url, "socks5://p:1080");
  EXPECT_TRUE(cluster.disable_compression);
  EXPECT_EQ(cluster.exec_config_json, R"({"audience":"a","num":1})");
}

TEST(ParseKubeconfigTest, ReadsEveryFieldOfAUser) {
  const auto config = Parse(R"(
users:
- name: u
  user:
    client-certificate: pki/u.crt
    client-key: /abs/../u.key
    token: tok
    tokenFile: ../t
    username: me
    password: pw
    as: boss
    as-uid: "7"
    as-groups: [g1, g2]
    as-user-extra: {scopes: [a, b]}
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: bin/login
      args: [get, token]
      env: [{name: A, value: b}, {name: C}]
      installHint: install it
      provideClusterInfo: true
      interactiveMode: Never
)");
  const KubeUser& user = config.users.at("u");
  EXPECT_EQ(user.client_cert_file, "/etc/kube/pki/u.crt");
  EXPECT_EQ(user.client_key_file, "/abs/../u.key");  // an absolute path stays as it is
  EXPECT_EQ(user.token_file, "/etc/t");
  EXPECT_EQ(user.username + user.password + user.token, "mepwtok");
  EXPECT_EQ(user.impersonate.user + user.impersonate.uid, "boss7");
  EXPECT_THAT(user.impersonate.groups, ElementsAre("g1", "g2"));
  EXPECT_THAT(user.impersonate.extra.at("scopes"), ElementsAre("a", "b"));
  ASSERT_TRUE(user.exec);
  EXPECT_EQ(user.exec->command, "/etc/kube/bin/login");
  EXPECT_THAT(user.exec->args, ElementsAre("get", "token"));
  EXPECT_THAT(user.exec->env, ElementsAre(testing::Pair("A", "b"), testing::Pair("C", "")));
  EXPECT_TRUE(user.exec->provide_cluster_info);
  EXPECT_EQ(user.exec->interactive, ExecSpec::Interactive::kNever);
}

TEST(ParseKubeconfigTest, ACommandWithoutASlashIsLeftToThePath) {
  const auto config = Parse(R"(
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws}}}]
)");
  EXPECT_EQ(config.users.at("u").exec->command, "aws");
  EXPECT_EQ(config.users.at("u").exec->interactive, ExecSpec::Interactive::kIfAvailable);
}

TEST(ParseKubeconfigTest, AnEmptyFileAndNullListsAreAnEmptyConfig) {
  EXPECT_TRUE(Parse("").contexts.empty());
  EXPECT_TRUE(Parse("clusters: null\nusers:\ncontexts: []\n").clusters.empty());
}

struct BadCase {
  const char* text;
  const char* message;
};

class BadKubeconfigTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadKubeconfigTest, NamesFileEntryAndRule) {
  const std::string message = ErrorOf(GetParam().text);
  EXPECT_EQ(message.substr(0, 4), "/f: ");
  EXPECT_THAT(message, HasSubstr(GetParam().message));
  EXPECT_THAT(message, testing::Not(HasSubstr("SECRET")));
}

#define EXEC_USER(fields) "users: [{name: u, user: {exec: {" fields "}}}]"

INSTANTIATE_TEST_SUITE_P(
    All, BadKubeconfigTest,
    testing::Values(
        BadCase{"[]", "the document (line 1): must be a map, is a list"},
        BadCase{"kind: Pod", "this is no kubeconfig"}, BadCase{"apiVersion: v2", "must be v1"},
        BadCase{"clusters: {a: b}", "clusters (line 1): must be a list, is a map"},
        BadCase{"clusters: [SECRET]", "clusters[0] (line 1): must be a map"},
        BadCase{"clusters: [{name: a}, {name: a}]", "\"a\" occurs twice in clusters"},
        BadCase{"users: [{name: u, user: {token: 1}}]", "users[0].user.token"},
        BadCase{"users: [{name: u, user: {client-key-data: 'SECRET!'}}]",
                "client-key-data (line 1): is not base64"},
        BadCase{"users: [{name: u, user: {client-key-data: U0VDUkVUCg}}]", "is not base64"},
        BadCase{"users: [{name: u, user: {as-groups: x}}]", "must be a list"},
        BadCase{"users: [{name: u, user: {as-user-extra: {a: x}}}]", "as-user-extra.a"},
        BadCase{"contexts: [{name: x, context: {namespace: n}}]", "is a boolean"},
        BadCase{EXEC_USER("env: [{name: A, value: 1}]"), "users[0].user.exec.env[0].value"},
        BadCase{EXEC_USER("args: x"), "users[0].user.exec.args"}));

class BadExecTest : public testing::TestWithParam<BadCase> {};

// kubectl reads such a file and complains only when the user is used.
TEST_P(BadExecTest, IsAProblemOfTheUserNotOfTheFile) {
  EXPECT_THAT(Parse(GetParam().text).users.at("u").exec_problem, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadExecTest,
    testing::Values(
        BadCase{EXEC_USER("command: a"), "users[0].user.exec.apiVersion"},
        BadCase{EXEC_USER("apiVersion: client.authentication.k8s.io/v1alpha1, command: a"),
                "exec.apiVersion (line 1): must be"},
        BadCase{EXEC_USER("apiVersion: client.authentication.k8s.io/v1beta1"), "exec.command"},
        BadCase{EXEC_USER("apiVersion: client.authentication.k8s.io/v1, command: a"),
                "exec.interactiveMode"},
        BadCase{EXEC_USER("apiVersion: client.authentication.k8s.io/v1, command: a,"
                          " interactiveMode: Sometimes"),
                "must be Never, IfAvailable or Always"},
        BadCase{EXEC_USER("apiVersion: client.authentication.k8s.io/v1beta1, command: a,"
                          " env: [{value: SECRET}]"),
                "each entry needs the name"}));

constexpr char kFirst[] = R"(
clusters: [{name: c1, cluster: {server: "https://one", certificate-authority: ca.crt}}]
users: [{name: red, user: {client-certificate: red.crt}}]
contexts: [{name: x, context: {cluster: c1, user: red}}]
)";
constexpr char kSecond[] = R"(
current-context: x
clusters:
- {name: c1, cluster: {server: "https://two", insecure-skip-tls-verify: true}}
- {name: c2, cluster: {server: "https://c2", certificate-authority: ../ca2.crt}}
users: [{name: red, user: {token: hello}}, {name: blue, user: {tokenFile: t}}]
contexts:
- {name: x, context: {cluster: c2, user: blue, namespace: ns}}
- {name: z, context: {cluster: c2, user: blue}}
)";

TEST(MergeKubeconfigTest, AnEntryComesWholeFromTheFirstFileThatHasIt) {
  Kubeconfig merged = Parse(kFirst, "/a/config");
  MergeKubeconfig(merged, Parse(kSecond, "/b/sub/config"));
  MergeKubeconfig(merged, Parse("current-context: z", "/c"));
  EXPECT_EQ(merged.current_context, "x");
  EXPECT_EQ(merged.clusters.at("c1").server, "https://one");
  EXPECT_FALSE(merged.clusters.at("c1").insecure_skip_tls_verify);
  EXPECT_EQ(merged.clusters.at("c2").ca_file, "/b/ca2.crt");
  EXPECT_EQ(merged.users.at("red").token, "");
  EXPECT_EQ(merged.users.at("blue").token_file, "/b/sub/t");
  EXPECT_EQ(merged.contexts.at("x").cluster, "c1");
  EXPECT_EQ(merged.contexts.at("x").ns, "");
  EXPECT_EQ(merged.contexts.at("z").file, "/b/sub/config");
}

TEST(LoadKubeconfigsTest, SkipsMissingFilesOnlyWhereAListIsMeant) {
  const TempDir dir;
  dir.Write("a", kFirst);
  const auto list = LoadKubeconfigs({dir.Path("missing"), dir.Path("a")}, true);
  ASSERT_TRUE(list);
  EXPECT_THAT(list->files, ElementsAre(dir.Path("a")));
  const auto explicitly = LoadKubeconfigs({dir.Path("missing")}, false);
  EXPECT_EQ(explicitly.error().message,
            "kubeconfig: " + dir.Path("missing") + ": No such file or directory");
}

TEST(LoadKubeconfigsTest, ABrokenFileOfAListIsAnError) {
  const TempDir dir;
  dir.Write("a", kFirst);
  dir.Write("b", "kind: Pod");
  EXPECT_FALSE(LoadKubeconfigs({dir.Path("a"), dir.Path("b")}, true));
  EXPECT_FALSE(LoadKubeconfigs({dir.Path("")}, true));  // a directory
}

TEST(SplitKubeconfigListTest, LeavesOutEmptyOnesAndRepetitions) {
  EXPECT_THAT(SplitKubeconfigList(":a::b:a:"), ElementsAre("a", "b"));
  EXPECT_TRUE(SplitKubeconfigList("").empty());
}

}  // namespace
}  // namespace downwardfs::client
