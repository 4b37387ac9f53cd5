// SPDX-License-Identifier: Apache-2.0
// The places in which the API server is looked for, also inside a cluster.
#include "client/config/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/file.h"
#include "tests/client/temp_dir.h"
#include "tests/fakes/fake_clock.h"

namespace downwardfs::client {
namespace {

using testing::HasSubstr;

constexpr char kConfig[] = R"(
clusters: [{name: c, cluster: {server: "https://from-file", certificate-authority: ca}}]
contexts: [{name: x, context: {cluster: c}}]
current-context: x
)";
const std::string kAccount = "var/run/secrets/kubernetes.io/serviceaccount/";

class ResolveTest : public testing::Test {
 protected:
  ResolveTest() {
    variables_["HOME"] = dir_.Path("home");
    surroundings_.root = dir_.Path("");
    surroundings_.root.pop_back();
    surroundings_.variable = [this](const std::string& name) { return variables_[name]; };
    surroundings_.tools.clock = &clock_;
  }

  void BeInAPod() {
    variables_["KUBERNETES_SERVICE_HOST"] = "fd00::1";
    variables_["KUBERNETES_SERVICE_PORT"] = "443";
    dir_.Write(kAccount + "token", "pod-token\n");
    dir_.Write(kAccount + "ca.crt", "-----BEGIN CERTIFICATE-----\n");
    dir_.Write(kAccount + "namespace", "team-a\n");
  }

  Result<ClusterConfig> Resolve() { return ResolveClusterConfig(flags_, surroundings_); }
  std::string ErrorOf(ErrorCode code) {
    const auto config = Resolve();
    if (config) return "resolved to " + config->server;
    EXPECT_EQ(config.error().code, code);
    return config.error().message;
  }
  std::string Server() {
    const auto config = Resolve();
    return config ? config->server : config.error().message;
  }

  TempDir dir_;
  FakeClock clock_;
  std::map<std::string, std::string> variables_;
  Surroundings surroundings_;
  ServerFlags flags_;
};

TEST_F(ResolveTest, PlainHttpNeedsNothingElse) {
  flags_.server = "http://127.0.0.1:8001/";
  const auto config = Resolve();
  ASSERT_TRUE(config);
  EXPECT_EQ(config->server, "http://127.0.0.1:8001");
  EXPECT_EQ(config->credentials->Get(false).value(), Credentials{});
}

TEST_F(ResolveTest, HttpsWithTokenAndCa) {
  flags_.server = "https://h:6443";
  flags_.token_file = dir_.Write("t", "tok");
  flags_.ca_file = dir_.Write("ca", "PEM");
  const auto config = Resolve();
  ASSERT_TRUE(config);
  EXPECT_EQ(config->ca_file, flags_.ca_file);
  EXPECT_EQ(config->credentials->Get(false)->bearer_token, "tok");
  flags_.ca_file.clear();
  EXPECT_EQ(Resolve()->ca_file, "");  // the system's CAs
}

TEST_F(ResolveTest, FlagsThatContradictEachOtherAreWrongUsage) {
  flags_.server = "http://h";
  flags_.token_file = dir_.Write("t", "tok");
  EXPECT_THAT(ErrorOf(ErrorCode::kInvalidArgument), HasSubstr("never sent in clear text"));
  flags_.server = "https://h";
  flags_.kubeconfig = "k";
  EXPECT_THAT(ErrorOf(ErrorCode::kInvalidArgument), HasSubstr("exclude each other"));
  flags_ = {};
  flags_.ca_file = "ca";
  EXPECT_THAT(ErrorOf(ErrorCode::kInvalidArgument), HasSubstr("go with --server"));
  flags_.server = "https://h";
  flags_.insecure_skip_tls_verify = true;
  EXPECT_THAT(ErrorOf(ErrorCode::kInvalidArgument), HasSubstr("exclude each other"));
}

TEST_F(ResolveTest, FilesThatAreNamedMustBeReadable) {
  flags_.server = "https://h";
  flags_.ca_file = dir_.Path("gone");
  EXPECT_EQ(ErrorOf(ErrorCode::kNotFound), "--server https://h: certificate authority: " +
                                               flags_.ca_file + ": No such file or directory");
  flags_.ca_file.clear();
  flags_.token_file = dir_.Path("gone");
  EXPECT_THAT(ErrorOf(ErrorCode::kNotFound), testing::StartsWith("--token-file: token file: "));
}

TEST_F(ResolveTest, TheOrderIsFlagThenVariableThenHomeThenPod) {
  BeInAPod();
  EXPECT_EQ(Server(), "https://[fd00::1]:443");
  dir_.Write("home/.kube/ca", "PEM");
  dir_.Write("home/.kube/config", kConfig);
  EXPECT_EQ(Server(), "https://from-file");
  variables_["KUBECONFIG"] = dir_.Path("gone");  // set, so the home directory is not looked at
  EXPECT_EQ(Server(), "https://[fd00::1]:443");
  variables_["KUBECONFIG"] = dir_.Path("gone") + ":" + dir_.Path("home/.kube/config");
  EXPECT_EQ(Server(), "https://from-file");
  flags_.kubeconfig = dir_.Path("gone");
  EXPECT_THAT(Server(), HasSubstr("gone: No such file or directory"));
}

TEST_F(ResolveTest, AKubeconfigThatIsBrokenIsNotPassedOver) {
  BeInAPod();
  dir_.Write("home/.kube/config", kConfig);  // its CA does not exist
  EXPECT_THAT(ErrorOf(ErrorCode::kNotFound), HasSubstr("certificate authority"));
  dir_.Write("home/.kube/config", "kind: Pod");
  EXPECT_THAT(ErrorOf(ErrorCode::kInvalidArgument), HasSubstr("this is no kubeconfig"));
  dir_.Write("home/.kube/config", "current-context: gone");
  EXPECT_THAT(ErrorOf(ErrorCode::kInvalidArgument), HasSubstr("does not exist"));
}

TEST_F(ResolveTest, AContextThatWasAskedForIsNotReplacedByThePod) {
  BeInAPod();
  flags_.context = "dev";
  EXPECT_THAT(ErrorOf(ErrorCode::kNotFound), testing::StartsWith("--context dev: "));
}

TEST_F(ResolveTest, WithoutAnythingTheMessageTellsAllThatWasTried) {
  EXPECT_EQ(ErrorOf(ErrorCode::kNotFound),
            "no API server is configured; tried: $KUBECONFIG is not set; ~/.kube/config: no such"
            " file; not in a pod (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set)."
            " Give --kubeconfig FILE, --server URL or --pod-file FILE");
  variables_["KUBECONFIG"] = "/gone/a:/gone/b";
  EXPECT_THAT(ErrorOf(ErrorCode::kNotFound), HasSubstr("$KUBECONFIG (/gone/a:/gone/b)"));
}

TEST_F(ResolveTest, AnExecPluginBesideTheKubeconfigIsRun) {
  const std::string count = dir_.Path("count");
  dir_.Write("kube/bin/login",
             "#!/bin/sh\necho run >> " + count +
                 "\ncat <<END\n"
                 R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
                 R"("status":{"token":"$A-$1"}})"
                 "\nEND\n",
             0700);
  flags_.kubeconfig = dir_.Write("kube/config", R"(
clusters: [{name: c, cluster: {server: "https://h"}}]
users:
- name: u
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: bin/login
      args: [second]
      env: [{name: A, value: first}]
      interactiveMode: Never
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
)");
  const auto config = Resolve();
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->credentials->Get(false)->bearer_token, "first-second");
  EXPECT_EQ(config->credentials->Get(false)->bearer_token, "first-second");
  EXPECT_EQ(ReadFile(count).value(), "run\n");
}

TEST_F(ResolveTest, InClusterNamesTheFilesThatRotate) {
  BeInAPod();
  const auto config = InClusterConfig(surroundings_);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->ca_file, dir_.Path(kAccount + "ca.crt"));
  EXPECT_EQ(config->default_namespace, "team-a");
  EXPECT_EQ(config->credentials->Get(false)->bearer_token, "pod-token");
  dir_.Write(kAccount + "token", "rotated");
  clock_.Advance(std::chrono::seconds(60));
  EXPECT_EQ(config->credentials->Get(false)->bearer_token, "rotated");
  variables_["POD_NAMESPACE"] = "mine";
  EXPECT_EQ(InClusterConfig(surroundings_)->default_namespace, "mine");
}

TEST_F(ResolveTest, APodWithoutTokenIsToldSo) {
  BeInAPod();
  unlink(dir_.Path(kAccount + "token").c_str());
  EXPECT_THAT(ErrorOf(ErrorCode::kNotFound), HasSubstr("automountServiceAccountToken"));
}

TEST_F(ResolveTest, APodWithoutCaUsesTheSystems) {
  BeInAPod();
  unlink(dir_.Path(kAccount + "ca.crt").c_str());
  testing::internal::CaptureStderr();
  EXPECT_EQ(InClusterConfig(surroundings_)->ca_file, "");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("the system's CAs are used"));
}

}  // namespace
}  // namespace downwardfs::client
