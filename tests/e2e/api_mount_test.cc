// SPDX-License-Identifier: Apache-2.0
// `mount` and `write` follow a pod of an API server.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/owned_fd.h"
#include "tests/e2e/api_fixture.h"

namespace downwardfs::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::StartsWith;

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

TEST_F(ApiTest, ADeletedPodKeepsItsContentAndItsSuccessorIsAnother) {
  const Mounted mount(Web({"--volume", "info"}), at_);
  ASSERT_TRUE(mount.ok());
  server_->Delete("default", "web");
  ASSERT_TRUE(Eventually([&] { return mount.StatusField("podDeleted") == "true"; }));
  EXPECT_EQ(Slurp(mount / "tick"), "one");
  Label("of another uid");
  EXPECT_TRUE(server_->WaitForWatchers(1));
  EXPECT_EQ(mount.StatusField("podDeleted"), "true");
  EXPECT_EQ(Slurp(mount / "tick"), "one");
}

TEST_F(ApiTest, WhileTheServerIsAwayTheFilesStayAndStatusSaysSo) {
  const Mounted mount(Web({"--volume", "info"}), at_);
  ASSERT_TRUE(mount.ok());
  server_->Stop();
  ASSERT_TRUE(Eventually([&] { return mount.StatusField("connected") == "false"; }));
  EXPECT_TRUE(Eventually(
      [&] { return mount.StatusField("lastError").find("cannot connect") != std::string::npos; }));
  EXPECT_EQ(Slurp(mount / "tick"), "one");
  EXPECT_NE(mount.StatusField("dataAgeSeconds"), "0.0");
  Label("changed meanwhile");
  server_->Compact();
  server_->Start();
  EXPECT_TRUE(Shows("tick", "changed meanwhile"));
  EXPECT_TRUE(Eventually([&] { return mount.StatusField("connected") == "true"; }));
  EXPECT_EQ(mount.StatusField("dataAgeSeconds"), "0.0");
  EXPECT_EQ(mount.StatusField("lastError"), "\"\"");
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

TEST_F(ApiTest, WithoutNodesTheServerIsNotAskedForOne) {
  const Mounted mount(Web({"--volume", "limits", "--no-node"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "memory"), "");
  EXPECT_THAT(server_->Requests(), Each(::testing::Not(HasSubstr("nodes"))));
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

// A program that runs until the test ends it.
class Background {
 public:
  Background(std::vector<std::string> words, const std::string& errors) {
    words.insert(words.begin(), DOWNWARDFS_BINARY);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    // Here, so that the file is there when the test looks into it.
    const OwnedFd fd(open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    pid_ = fork();
    if (pid_ != 0) return;
    dup2(fd.get(), STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  ~Background() { EXPECT_NE(Wait(SIGKILL), -1); }
  /// Sends the signal and gives the exit status; 128 + N if a signal ended it.
  int Wait(int signal) {
    if (pid_ <= 0) return 0;
    if (signal != 0) kill(pid_, signal);
    int status = 0;
    if (waitpid(pid_, &status, 0) != pid_) return -1;
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
};

TEST_F(ApiTest, MountWaitsForTheServerThenForThePodSayingWhatFor) {
  server_->Delete("default", "web");
  server_->Stop();
  std::vector<std::string> words = Web({"--volume", "info", at_});
  words.insert(words.begin(), "mount");
  const std::string errors = dir_ / "stderr";
  Background mount(words, errors);
  const auto said = [&](const std::string& text) {
    return Eventually([&] { return Slurp(errors).find(text) != std::string::npos; });
  };
  EXPECT_TRUE(said("downwardfs: waiting: " + server_->url() + ": cannot connect"));
  server_->Start();
  EXPECT_TRUE(said("downwardfs: waiting: pod default/web is not there yet"));
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
    const std::string errors = dir_ / (foreground ? "stderr-f" : "stderr");
    Background mount(words, errors);
    ASSERT_TRUE(Eventually([&] { return Slurp(errors).find("waiting") != std::string::npos; }));
    EXPECT_EQ(mount.Wait(SIGTERM), foreground ? 1 : 128 + SIGTERM);
    // In the background it is the parent that dies; the child says why it stops.
    EXPECT_TRUE(
        Eventually([&] { return Slurp(errors).find("stopped by a signal") != std::string::npos; }));
    EXPECT_FALSE(IsMountPoint(at_));
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
  EXPECT_THAT(Slurp(dir_ / "stderr"), ::testing::Not(HasSubstr(kToken)));
}

}  // namespace
}  // namespace downwardfs::testing
