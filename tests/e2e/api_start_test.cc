// SPDX-License-Identifier: Apache-2.0
// Starts with a server that is slow, half there or behind a credential plugin that hangs.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "tests/e2e/api_fixture.h"
#include "tests/support/background.h"

namespace downwardfs::testing {
namespace {

using Kind = ServerFault::Kind;

class ApiStartTest : public ApiTest {
 protected:
  static std::vector<std::string> Command(const char* command, std::vector<std::string> words) {
    words.insert(words.begin(), command);
    return words;
  }
  // A kubeconfig whose plugin says in the file "begun" that it runs, and never ends.
  std::string HangingPlugin() {
    const std::string script =
        dir_.Write("plugin", "#!/bin/sh\necho begun > " + (dir_ / "begun") + "\nexec sleep 1000\n");
    chmod(script.c_str(), 0755);
    return dir_.Write("config", R"(apiVersion: v1
kind: Config
current-context: dev
contexts: [{name: dev, context: {cluster: c, user: u, namespace: default}}]
clusters: [{name: c, cluster: {server: ")" +
                                    server_->url() + R"(", certificate-authority: )" + ca_ + R"(}}]
users:
- name: u
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: )" +
                                    script + "}\n");
  }
  std::size_t Watches() const {
    const auto requests = server_->Requests();
    return static_cast<std::size_t>(
        std::count_if(requests.begin(), requests.end(),
                      [](const std::string& request) { return request.starts_with("watch "); }));
  }
  bool Begun() const {
    return Eventually([&] { return access((dir_ / "begun").c_str(), R_OK) == 0; });
  }
};

// The list has told what there is to show.
TEST_F(ApiStartTest, AWatchThatIsNotAnsweredHoldsUpNoMount) {
  server_->SetStreamingLists(FakeApiServer::StreamingLists::kRefused);
  for (const std::string wait : {"", "2s"}) {
    server_->Inject({Kind::kNoHead, "watch"});
    std::vector<std::string> words = {"--volume", "info"};
    if (!wait.empty()) words.insert(words.end(), {"--wait", wait});
    const std::size_t before = Watches();
    const Mounted mount(Web(words), at_);
    ASSERT_TRUE(mount.ok());
    EXPECT_EQ(Watches(), before + 1);  // it has not been given up meanwhile
    EXPECT_EQ(Slurp(mount / "tick"), "one");
  }
}

TEST_F(ApiStartTest, WhoWaitsForAFirstAnswerIsToldSo) {
  server_->Inject({Kind::kNoHead, "list"});
  Background mount(Command("mount", Web({"--volume", "info", at_})), dir_ / "stderr");
  EXPECT_TRUE(mount.Said("downwardfs: waiting: no answer from " + server_->url() + " yet"));
  EXPECT_EQ(mount.Wait(SIGTERM), 128 + SIGTERM);
  server_->Inject({Kind::kNoHead, "list"});
  const Outcome given_up = Run("mount", Web({"--volume", "info", "--wait", "1s", at_}));
  EXPECT_EQ(given_up.exit_code, 1);
  EXPECT_THAT(given_up.err, HasSubstr("gave up after --wait: no answer from " + server_->url()));
}

TEST_F(ApiStartTest, WhoWaitsForAClusterIsToldSoToo) {
  server_->Inject({Kind::kNoHead, "list pods"});
  Background mount(Command("mount", From({"--cluster", at_})), dir_ / "stderr");
  EXPECT_TRUE(mount.Said("downwardfs: waiting: no answer from " + server_->url() + " yet"));
  EXPECT_EQ(mount.Wait(SIGTERM), 128 + SIGTERM);
}

// As gateways speak while the server behind them starts.
TEST_F(ApiStartTest, AnAnswerThatMakesNoSenseIsAskedForAgain) {
  for (const ServerFault& fault :
       {ServerFault{Kind::kWrongType, "list"},
        ServerFault{Kind::kBody, "list", {BodyFault::Kind::kGarbage, 20}, {}}}) {
    server_->Inject(fault);
    Background mount(Command("mount", Web({"--volume", "info", at_})),
                     dir_ / ("stderr" + std::to_string(static_cast<int>(fault.kind))));
    EXPECT_EQ(mount.Wait(0), 0);
    EXPECT_TRUE(mount.Said("downwardfs: waiting: " + server_->url()));
    EXPECT_EQ(Slurp(at_ + "/tick"), "one");
    EXPECT_EQ(RunProgram({"umount", at_}).exit_code, 0);
  }
  // More than one: the daemon of the mount before may still ask.
  for (int i = 0; i < 3; ++i) server_->Inject({Kind::kWrongType, "list"});
  const Outcome once = Run("mount", Web({"--volume", "info", "--wait", "0", at_}));
  EXPECT_EQ(once.exit_code, 1);
  EXPECT_THAT(once.err, HasSubstr("text/html"));
}

TEST_F(ApiStartTest, APluginThatHangsHoldsUpNoEnd) {
  const std::string config = HangingPlugin();
  const std::vector<std::string> source = {"--kubeconfig", config,     "--pod",
                                           "default/web",  "--volume", "info"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), source.begin(), source.end());
    return more;
  };
  Background mount(Command("mount", with({"-f", at_})), dir_ / "stderr");
  ASSERT_TRUE(Begun());
  EXPECT_EQ(mount.Wait(SIGTERM), 1);
  const Outcome given_up = Run("mount", with({"--wait", "1s", at_}));
  EXPECT_EQ(given_up.exit_code, 1);
  EXPECT_THAT(given_up.err, HasSubstr("gave up after --wait"));
  const Outcome render = Run("render", with({"--wait", "1s"}));
  EXPECT_EQ(render.exit_code, 1);
  EXPECT_THAT(render.err, AllOf(HasSubstr("exec plugin"), HasSubstr("still running after 1 s")));
}

TEST_F(ApiStartTest, WhatOneShotCommandsNeedIsAskedForAgain) {
  server_->PutObject("configmaps", "default", "words", {"", R"("data":{"hello":"hi"})"});
  server_->PutObject("secrets", "default", "keys", {"", R"("data":{"db":"cGFzcw=="})"});
  server_->PutObject("nodes", "", "node1", {"", R"("status":{"allocatable":{"memory":"64Mi"}})"});
  server_->Inject({Kind::kTooManyRequests, "get configmaps"});
  server_->Inject({Kind::kServerError, "get secrets"});
  const Outcome env = Run("env", Web({"--container", "main", "--wait", "20s"}));
  EXPECT_EQ(env.exit_code, 0) << env.err;
  EXPECT_THAT(env.out, AllOf(HasSubstr("GREETING="), HasSubstr("PASSWORD=")));
  EXPECT_THAT(env.err, HasSubstr("downwardfs: waiting: " + server_->url()));
  server_->Inject({Kind::kUnavailable, "get nodes"});
  const Outcome render = Run("render", Web({"--volume", "limits", "--wait", "20s"}));
  EXPECT_EQ(render.exit_code, 0) << render.err;
  EXPECT_THAT(render.out, HasSubstr("67108864"));
  EXPECT_EQ(server_->FaultsLeft(), 0U);
}

}  // namespace
}  // namespace downwardfs::testing
