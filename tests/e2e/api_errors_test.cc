// SPDX-License-Identifier: Apache-2.0
// Messages for a person when the API server refuses, is away or is not what it should be.

#include "tests/e2e/api_fixture.h"

namespace downwardfs::testing {
namespace {

std::size_t Lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_F(ApiTest, RefusedCredentialsFailAtOnceNamingThem) {
  server_->SetToken("an0ther-t0ken");
  for (const char* command : {"mount", "render"}) {
    std::vector<std::string> words = Web({"--volume", "info"});
    if (command == std::string("mount")) words.push_back(at_);
    const Outcome outcome = Run(command, words);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr(server_->url()), HasSubstr("the server refuses our credentials"),
                      HasSubstr(token_), HasSubstr("renew them")));
    EXPECT_EQ(Lines(outcome.err), 1U) << outcome.err;
  }
}

TEST_F(ApiTest, MissingRightsAreNamedVerbResourceNamespaceAndUser) {
  server_->Forbid("list pods");
  server_->Forbid("get pods");
  const Outcome mount = Run("mount", Web({"--volume", "info", at_}));
  EXPECT_EQ(mount.exit_code, 1);
  EXPECT_THAT(mount.err, HasSubstr("a Role in namespace \"default\" must allow verb \"list\" on "
                                   "resource \"pods\" of API group \"\" to user \"dev\"; "
                                   "following a pod needs verbs list and watch"));
  EXPECT_FALSE(IsMountPoint(at_));
  const Outcome render = Run("render", Web({"--volume", "info"}));
  EXPECT_EQ(render.exit_code, 1);
  EXPECT_THAT(render.err, HasSubstr("must allow verb \"get\" on resource \"pods\""));
}

TEST_F(ApiTest, AForbiddenWatchFailsTheMountAtOnceAsWell) {
  server_->Forbid("watch pods");
  const Outcome mount = Run("mount", Web({"--volume", "info", at_}));
  EXPECT_EQ(mount.exit_code, 1);
  EXPECT_THAT(mount.err, HasSubstr("must allow verb \"watch\" on resource \"pods\""));
}

TEST_F(ApiTest, OneShotCommandsNeedGetAlone) {
  for (const char* what : {"list pods", "watch pods"}) server_->Forbid(what);
  const Outcome outcome = Run("render", Web({"--field", "metadata.name"}));
  EXPECT_EQ(outcome.out, "web") << outcome.err;
}

TEST_F(ApiTest, APodThatIsNotThereFailsRenderAtOnce) {
  const Outcome outcome = Run("render", From({"--pod", "default/nope"}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr(server_->url()), HasSubstr("\"nope\" not found")));
}

TEST_F(ApiTest, AnUntrustedCertificateTellsWhatItMustBe) {
  const std::string other = dir_.Write("other.pem", TestAuthority("other").pem());
  const std::vector<std::string> words = {"--server", server_->url(), "--ca-file", other,
                                          "--pod",    "default/web",  "--volume",  "info"};
  std::vector<std::string> mount_words = words;
  mount_words.push_back(at_);
  for (const Outcome& outcome : {Run("render", words), Run("mount", mount_words)}) {
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("its certificate is not trusted"), HasSubstr(other)));
  }
  const Outcome trusting =
      Run("render", {"--server", server_->url(), "--insecure-skip-tls-verify", "--token-file",
                     token_, "--pod", "default/web", "--field", "metadata.name"});
  EXPECT_EQ(trusting.out, "web") << trusting.err;
}

TEST_F(ApiTest, WaitGivesUpSayingForWhatItWaited) {
  server_->Stop();
  const Outcome mount = Run("mount", Web({"--volume", "info", "--wait", "1s", at_}));
  EXPECT_EQ(mount.exit_code, 1);
  EXPECT_THAT(mount.err, HasSubstr("downwardfs: gave up after --wait: " + server_->url() +
                                   ": cannot connect"));
  const Outcome render = Run("render", Web({"--volume", "info", "--wait", "1s"}));
  EXPECT_EQ(render.exit_code, 1);
  EXPECT_THAT(render.err, HasSubstr("cannot connect"));
  const Outcome once = Run("env", Web({"--container", "main", "--wait", "0"}));
  EXPECT_EQ(once.exit_code, 1);
  EXPECT_EQ(Lines(once.err), 1U) << once.err;
}

TEST_F(ApiTest, WaitGivesUpForAPodThatDoesNotCome) {
  const Outcome mount = Run("mount", From({"--pod", "default/nope", "--wait", "1s", at_}));
  EXPECT_EQ(mount.exit_code, 1);
  EXPECT_THAT(mount.err, HasSubstr("gave up after --wait: pod default/nope is not there yet"));
  const Outcome once = Run("mount", From({"--pod", "default/nope", "--wait", "0", at_}));
  EXPECT_EQ(once.exit_code, 1);
  EXPECT_THAT(once.err, HasSubstr("pod default/nope is not there yet"));
}

TEST_F(ApiTest, RenderOutlastsAShortOutage) {
  server_->Inject({ServerFault::Kind::kUnavailable, "get"}, 1);
  const Outcome outcome = Run("render", Web({"--field", "metadata.name"}));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "web");
  EXPECT_THAT(outcome.err, HasSubstr("downwardfs: waiting: " + server_->url()));
}

TEST_F(ApiTest, APodNameThatIsNoneBecomesNoPartOfARequest) {
  for (const char* pod : {"default/a,b", "default/../secrets", "default/..", "De/fault", "a?b/c"}) {
    const Outcome outcome = Run("render", From({"--pod", pod}));
    EXPECT_EQ(outcome.exit_code, 1) << pod;
    EXPECT_THAT(outcome.err, HasSubstr("--pod")) << pod;
  }
  EXPECT_TRUE(server_->Requests().empty());
}

TEST(SourceFlagsTest, ContradictionsAreWrongUsageInOneLine) {
  const std::vector<std::vector<std::string>> cases = {
      {"render", "--pod-file", "x", "--kubeconfig", "y"},
      {"render", "--pod-file", "x", "--context", "y"},
      {"render", "--pod-file", "x", "--server", "https://y"},
      {"render", "--pod-file", "x", "--no-node"},
      {"mount", "--pod-file", "x", "--wait", "1s", "/mnt"},
      {"render", "--pod", "a/b", "--server", "https://y", "--kubeconfig", "x"},
      {"render", "--pod", "a/b", "--server", "https://y", "--context", "x"},
      {"render", "--pod", "a/b", "--token-file", "x"},
      {"render", "--pod", "a/b", "--ca-file", "x"},
      {"render", "--pod", "a/b", "--insecure-skip-tls-verify"},
      {"render", "--pod", "a/b", "--server", "https://y", "--ca-file", "x",
       "--insecure-skip-tls-verify"},
      {"render", "--pod", "a/b", "--server", "http://y", "--token-file", "x"},
      {"mount", "--pod", "a/b", "--server", "HTTP://y", "--ca-file", "x", "/mnt"},
      {"render", "--pod", "a/b", "--server", "http://y", "--insecure-skip-tls-verify"},
      {"render", "--pod", "a/b", "--node-file", "x"},
      {"render", "--pod", "a/b", "--wait", "soon"},
      {"render", "--server", "https://y"},
      {"env", "--container", "c"},
      {"mount", "/mnt"},
  };
  for (const auto& words : cases) {
    const Outcome outcome = Downwardfs(words);
    std::string line;
    for (const std::string& word : words) line += word + " ";
    EXPECT_EQ(outcome.exit_code, 2) << line << outcome.err;
    EXPECT_EQ(Lines(outcome.err), 1U) << line << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("--help")) << line;
  }
}

TEST(SourceFlagsTest, WithNothingConfiguredTheMessageListsWhatWasTried) {
  const TempDir dir;
  RunOptions options;
  options.env["HOME"] = dir.path();
  options.env["KUBECONFIG"] = "";
  options.env["KUBERNETES_SERVICE_HOST"] = "";
  const Outcome outcome = Downwardfs({"render", "--pod", "default/web"}, options);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("no API server is configured"),
                                 HasSubstr("~/.kube/config"), HasSubstr("--pod-file FILE")));
}

}  // namespace
}  // namespace downwardfs::testing
