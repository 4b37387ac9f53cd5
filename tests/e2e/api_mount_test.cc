// SPDX-License-Identifier: Apache-2.0
// `mount` and `write` follow a pod of an API server.
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "tests/e2e/api_fixture.h"
#include "tests/support/background.h"

namespace downwardfs::testing {
namespace {

TEST_F(ApiTest, TheMountFollowsThePodWithAFieldSelector) {
  const Mounted mount(Web({"--volume", "info"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "tick"), "one");
  for (const char* label : {"two", "three", "four"}) {
    Label(label);
    EXPECT_TRUE(Shows("tick", label));
  }
  EXPECT_EQ(mount.StatusField("connected"), "true");
  EXPECT_EQ(mount.StatusField("lastError"), "\"\"");
  EXPECT_THAT(mount.StatusField("source"), HasSubstr(server_->url()));
  // Not the namespace, and no node that nothing asks for.
  EXPECT_THAT(server_->Requests(), Each(AllOf(HasSubstr("/api/v1/namespaces/default/pods"),
                                              HasSubstr("fieldSelector=metadata.name=web"))));
}

TEST_F(ApiTest, ALimitFallsBackToTheNodeAndFollowsIt) {
  const auto allocatable = [](const std::string& memory) {
    return FakeApiServer::Members{"", R"("status":{"allocatable":{"memory":")" + memory + R"("}})"};
  };
  server_->PutObject("nodes", "", "node1", allocatable("64Mi"));
  const Mounted mount(Web({"--volume", "limits"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "memory"), "67108864");
  server_->PutObject("nodes", "", "node1", allocatable("32Mi"));
  EXPECT_TRUE(Shows("memory", "33554432"));
}

TEST_F(ApiTest, WhereNodesAreForbiddenTheFileIsEmptyAndStatusNamesItAndWhy) {
  server_->Forbid("list nodes");
  const Mounted mount(Web({"--volume", "limits"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "memory"), "");
  const Outcome status = Downwardfs({"status", at_});
  EXPECT_THAT(status.out, AllOf(HasSubstr("\nempty:           memory: "),
                                HasSubstr("ClusterRole must allow verb \"list\" on resource "
                                          "\"nodes\"")));
  EXPECT_EQ(mount.StatusField("connected"), "true");
}

TEST_F(ApiTest, AFieldOfTheNamespaceFollowsIt) {
  server_->PutObject("namespaces", "", "default", {}, "gold");
  const std::string items =
      dir_.Write("items.yaml",
                 "- {path: tier, fieldRef: {fieldPath: \"namespace.metadata.labels['tick']\"}}\n");
  const Mounted mount(Web({"--items", items, "--no-node"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "tier"), "gold");
  server_->PutObject("namespaces", "", "default", {}, "silver");
  EXPECT_TRUE(Shows("tier", "silver"));
}

TEST_F(ApiTest, WithoutFieldsOfItTheNamespaceIsNotAskedFor) {
  const Mounted mount(Web({"--volume", "info"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_THAT(server_->Requests(), Each(Not(HasSubstr("/namespaces?"))));
}

TEST_F(ApiTest, WithoutNodesTheServerIsNotAskedForOne) {
  const Mounted mount(Web({"--volume", "limits", "--no-node"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "memory"), "");
  EXPECT_THAT(server_->Requests(), Each(Not(HasSubstr("nodes"))));
}

// It can be read once, and the holder's start looks at the kubeconfig before the daemon does.
TEST_F(ApiTest, AKubeconfigMayBeAPipeOfTheCallers) {
  const std::string config =
      dir_.Write("config",
                 "{current-context: c, contexts: [{name: c, context: {cluster: s, user: u}}], "
                 "users: [{name: u, user: {tokenFile: " +
                     token_ +
                     "}}], "
                     "clusters: [{name: s, cluster: {server: \"" +
                     server_->url() + "\", certificate-authority: " + ca_ + "}}]}");
  const std::string named =
      R"("$1" mount $4 --kubeconfig <(cat "$2") --pod default/web --volume info "$3")";
  const std::string found =
      R"(KUBECONFIG=<(cat "$2") "$1" mount $4 --pod default/web --volume info "$3")";
  for (const std::string& script : {named, found}) {
    for (const char* const way : {"", "--no-holder"}) {
      const Outcome outcome =
          RunProgram({"bash", "-c", script, "sh", DOWNWARDFS_BINARY, config, at_, way});
      ASSERT_EQ(outcome.exit_code, 0) << script << way << outcome.err;
      EXPECT_EQ(Slurp(at_ + "/name"), "web");
      EXPECT_EQ(Downwardfs({"umount", at_}).exit_code, 0);
    }
  }
}

TEST_F(ApiTest, ARotatedTokenIsReadAgainWhenTheServerRefusesTheOldOne) {
  const Mounted mount(Web({"--volume", "info"}), at_);
  ASSERT_TRUE(mount.ok());
  dir_.Replace("token", "an0ther-t0ken");
  server_->SetToken("an0ther-t0ken");
  server_->Drop();
  Label("after rotation");
  EXPECT_TRUE(Shows("tick", "after rotation"));
}

TEST_F(ApiTest, MountWaitsForTheServerThenForThePodSayingWhatFor) {
  server_->Delete("default", "web");
  server_->Stop();
  std::vector<std::string> words = Web({"--volume", "info", at_});
  words.insert(words.begin(), "mount");
  Background mount(words, dir_ / "stderr");
  EXPECT_TRUE(mount.Said("downwardfs: waiting: " + server_->url() + ": cannot connect"));
  server_->Start();
  EXPECT_TRUE(mount.Said("downwardfs: waiting: pod default/web is not there yet"));
  EXPECT_FALSE(IsMountPoint(at_));
  Label("born");
  EXPECT_EQ(mount.Wait(0), 0);
  EXPECT_EQ(Slurp(at_ + "/tick"), "born");
  EXPECT_EQ(RunProgram({"umount", at_}).exit_code, 0);
}

TEST_F(ApiTest, ASignalEndsTheWaitingAndLeavesNothing) {
  server_->Stop();
  for (const bool foreground : {true, false}) {
    std::vector<std::string> words = Web({"--volume", "info", at_});
    words.insert(words.begin(), "mount");
    if (foreground) words.emplace_back("-f");
    Background mount(words, dir_ / "stderr");
    ASSERT_TRUE(mount.Said("waiting"));
    EXPECT_EQ(mount.Wait(SIGTERM), foreground ? 1 : 128 + SIGTERM);
    // In the background it is the parent that dies; the child says why it stops.
    EXPECT_TRUE(mount.Said("stopped by a signal"));
    EXPECT_FALSE(IsMountPoint(at_));
  }
}

// The node's first answer never comes: the mount is to end at once all the same, whether that is
// waited for before the first version or after it.
TEST_F(ApiTest, ANodeThatDoesNotAnswerHoldsUpNoEnd) {
  for (const bool scheduled_at_first : {true, false}) {
    const FakeApiServer::Members pending = {kSpec, "", ""};
    server_->Delete("default", "web");
    server_->PutObject("pods", "default", "web", pending);
    if (scheduled_at_first) Label("scheduled");
    server_->Inject({ServerFault::Kind::kBody, "list nodes", {BodyFault::Kind::kStall, 0}, {}});
    std::vector<std::string> words = Web({"--volume", "limits", "-f", at_});
    words.insert(words.begin(), "mount");
    Background mount(words, dir_ / "stderr");
    if (!scheduled_at_first) {
      ASSERT_TRUE(Eventually([&] { return IsMountPoint(at_); }));
      ASSERT_TRUE(server_->WaitForWatchers(1));
      Label("scheduled later");
    }
    ASSERT_TRUE(Eventually([&] { return server_->FaultsLeft() == 0; }));
    // A command that has not mounted yet says so. A daemon that did not end by itself would be
    // killed before it says anything, and be no success.
    EXPECT_EQ(mount.Wait(SIGTERM), scheduled_at_first ? 1 : 0);
    if (scheduled_at_first) {
      EXPECT_THAT(Slurp(dir_ / "stderr"), HasSubstr("stopped by a signal"));
    }
    EXPECT_FALSE(IsMountPoint(at_));
    server_->Drop();
  }
}

TEST_F(ApiTest, WriteFollowsThePodToo) {
  std::vector<std::string> words = Web({"--volume", "info", "--to", at_});
  words.insert(words.begin(), "write");
  Background write(words, dir_ / "stderr");
  ASSERT_TRUE(Eventually([&] { return access((at_ + "/tick").c_str(), R_OK) == 0; }));
  Label("two");
  EXPECT_TRUE(Shows("tick", "two"));
  EXPECT_EQ(write.Wait(SIGTERM), 0);
  EXPECT_THAT(Slurp(dir_ / "stderr"), Not(HasSubstr(kToken)));
}

}  // namespace
}  // namespace downwardfs::testing
