// SPDX-License-Identifier: Apache-2.0
// `render`, `env` and `exec` with the objects of an API server.
#include "tests/e2e/api_fixture.h"

namespace downwardfs::testing {
namespace {

class ApiEnvTest : public ApiTest {
 protected:
  ApiEnvTest() {
    server_->PutObject("configmaps", "default", "words",
                       {"", R"("data":{"hello":"hi there","bye":"so long"})"});
    server_->PutObject("secrets", "default", "keys", {"", R"("data":{"db":"cGFzcyB3b3Jk"})"});
  }
};

TEST_F(ApiEnvTest, ConfigMapsAndDecodedSecretsBecomeVariables) {
  const Outcome outcome = Run("env", Web({"--container", "main", "--format", "json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr(R"("GREETING": "hi there")"), HasSubstr(R"("PASSWORD": "pass word")"),
                    HasSubstr(R"("W_hello": "hi there")"), HasSubstr(R"("W_bye": "so long")")));
  const Outcome exec =
      Run("exec", Web({"--container", "main", "--", "sh", "-c", "echo \"$PASSWORD\""}));
  EXPECT_EQ(exec.out, "pass word\n") << exec.err;
}

TEST_F(ApiEnvTest, EachObjectIsGotOnce) {
  EXPECT_EQ(Run("env", Web({"--container", "main"})).exit_code, 0);
  std::size_t config_maps = 0;
  for (const std::string& request : server_->Requests()) {
    config_maps += request.find("configmaps") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(config_maps, 1U);
}

TEST_F(ApiEnvTest, AForbiddenSecretIsNamedWithWhatItTakes) {
  server_->Forbid("get secrets");
  const Outcome outcome = Run("env", Web({"--container", "main"}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("PASSWORD"), HasSubstr("Secret \"keys\""),
                                 HasSubstr("must allow verb \"get\" on resource \"secrets\"")));
  const Outcome skipping = Run("env", Web({"--container", "main", "--skip-unresolved"}));
  EXPECT_EQ(skipping.exit_code, 0) << skipping.err;
  EXPECT_THAT(skipping.out, AllOf(HasSubstr("GREETING="), Not(HasSubstr("PASSWORD"))));
}

TEST_F(ApiEnvTest, AMissingConfigMapIsNamed) {
  server_->PutObject(
      "pods", "default", "lost",
      {R"("containers":[{"name":"c","envFrom":[{"configMapRef":{"name":"nope"}}]}])", ""});
  const Outcome outcome = Run("env", From({"--pod", "default/lost", "--container", "c"}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("ConfigMap \"nope\""), HasSubstr("not found")));
}

TEST_F(ApiEnvTest, ALimitOfTheNodeNeedsTheNode) {
  const Outcome unknown = Run("render", Web({"--volume", "limits", "--no-node"}));
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("item memory"), HasSubstr("--no-node")));
  server_->Forbid("get nodes");
  const Outcome forbidden = Run("render", Web({"--volume", "limits"}));
  EXPECT_EQ(forbidden.exit_code, 1);
  EXPECT_THAT(forbidden.err, AllOf(HasSubstr("item memory"),
                                   HasSubstr("a ClusterRole must allow verb \"get\" on resource "
                                             "\"nodes\"")));
}

TEST_F(ApiEnvTest, ThePlainHttpOfKubectlProxyWorks) {
  FakeApiServer::Options options;
  options.tls = false;
  FakeApiServer proxy(std::move(options));
  proxy.Put("default", "web", "proxied");
  const Outcome outcome = Downwardfs({"render", "--server", proxy.url(), "--pod", "default/web",
                                      "--field", "metadata.labels['tick']"});
  EXPECT_EQ(outcome.out, "proxied") << outcome.err;
}

TEST_F(ApiEnvTest, AKubeconfigsContextIsTakenAndNamed) {
  const std::string config = dir_.Write("config", R"(apiVersion: v1
kind: Config
current-context: dev
contexts: [{name: dev, context: {cluster: c, user: u, namespace: default}}]
clusters: [{name: c, cluster: {server: ")" + server_->url() +
                                                      R"(", certificate-authority: )" + ca_ + R"(}}]
users: [{name: u, user: {tokenFile: )" + token_ + R"(}}]
)");
  EXPECT_EQ(Run("render", {"--kubeconfig", config, "--pod", "web", "--field", "metadata.name"}).out,
            "web");
  RunOptions options;
  options.env["KUBECONFIG"] = config;
  EXPECT_EQ(Downwardfs({"render", "--pod", "web", "--field", "metadata.name"}, options).out, "web");
  const Mounted mount({"--kubeconfig", config, "--pod", "web", "--volume", "info"}, at_);
  EXPECT_EQ(mount.StatusField("source"),
            "\"" + server_->url() + R"( (context \"dev\" of )" + config + ")\"");
}

}  // namespace
}  // namespace downwardfs::testing
