// SPDX-License-Identifier: Apache-2.0
// `mount --cluster` and `--namespace`, mounted for real, against the API server double.
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <sstream>
#include <thread>

#include "tests/e2e/api_fixture.h"

namespace downwardfs::testing {
namespace {

class ClusterMountTest : public ApiTest {
 protected:
  static std::vector<std::string> Names(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  static std::vector<std::string> Lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  bool Gone(const std::string& path) const {
    return Eventually([&] { return access((at_ + "/" + path).c_str(), F_OK) != 0; });
  }
  bool There(const std::string& path) const {
    return Eventually([&] { return access((at_ + "/" + path).c_str(), F_OK) == 0; });
  }
};

TEST_F(ClusterMountTest, TheTreeFollowsTheCluster) {
  server_->PutObject("nodes", "", "node1", {"", R"("status":{"allocatable":{"cpu":"2"}})"});
  server_->PutObject("namespaces", "", "default", {});
  const Mounted mount(From({"--cluster"}), at_);
  ASSERT_TRUE(mount.ok());
  const std::string web = "namespaces/default/pods/web";
  EXPECT_EQ(Slurp(mount / web + "/labels.d/tick"), "one\n");
  EXPECT_EQ(Slurp(mount / "nodes/node1/allocatable/cpu"), "2\n");
  EXPECT_EQ(Slurp(mount / "by-label/tick/one/default_web/podName"), "web\n");
  EXPECT_EQ(Slurp(mount / "by-node/node1/default_web/namespace"), "default\n");
  // Cached names and content are taken back from the kernel when they change.
  Label("two");
  EXPECT_TRUE(Shows(web + "/labels.d/tick", "two\n"));
  EXPECT_TRUE(Gone("by-label/tick/one"));
  EXPECT_EQ(Slurp(mount / "by-label/tick/two/default_web/podName"), "web\n");
  server_->Put("default", "db", "x");
  EXPECT_TRUE(There("namespaces/default/pods/db"));
  EXPECT_THAT(Names(mount / "namespaces/default/pods"), UnorderedElementsAre("web", "db"));
  server_->Delete("default", "web");
  EXPECT_TRUE(Gone(web));
  EXPECT_THAT(Names(mount / "namespaces/default/pods"), ElementsAre("db"));
  EXPECT_THAT(Names(mount / "by-label/tick"), ElementsAre("x"));
}

TEST_F(ClusterMountTest, WarmReadsCostNoRequestAndChangesDo) {
  const Mounted mount(From({"--cluster"}), at_);
  ASSERT_TRUE(mount.ok());
  const std::string labels = mount / "namespaces/default/pods/web/labels";
  Slurp(labels);
  const auto requests = [&] {
    const Outcome status = Downwardfs({"status", at_, "--format", "json"});
    std::string counts;
    for (const std::string& line : Lines(status.out)) {
      if (line.find("\"LOOKUP\"") != line.npos || line.find("\"READ\"") != line.npos) {
        counts += line;
      }
    }
    return counts;
  };
  const std::string before = requests();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Slurp(labels), "tick=\"one\"\n");
  EXPECT_EQ(requests(), before);
}

TEST_F(ClusterMountTest, OnlyTheNamespacesThatWereAskedFor) {
  server_->Put("a", "one", "x");
  server_->Put("b", "two", "x");
  server_->Put("c", "three", "x");
  server_->Forbid("list nodes");
  const Mounted mount(From({"--namespace", "a,b", "--namespace", "empty"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_THAT(Names(mount / "namespaces"), UnorderedElementsAre("a", "b", "empty"));
  EXPECT_TRUE(There("namespaces/b/pods/two"));
  EXPECT_THAT(Names(mount / "namespaces/empty"), UnorderedElementsAre("pods", "pods.txt"));
  for (const std::string& request : server_->Requests()) {
    EXPECT_THAT(request, ::testing::AnyOf(HasSubstr("/api/v1/namespaces/"), HasSubstr("nodes")));
  }
  // Nodes are known by the pods that are on them; ..status says what is missing.
  EXPECT_THAT(Names(mount / "nodes/node1"), ElementsAre("pods"));
  EXPECT_THAT(Slurp(mount / "..status"), HasSubstr("resource \\\"nodes\\\""));
}

TEST_F(ClusterMountTest, WithoutRightsInTheWholeClusterItSaysWhatToDo) {
  server_->Forbid("list pods");
  const Outcome outcome = Run("mount", From({"--cluster", at_}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("verb \"list\" on resource \"pods\""), HasSubstr("--namespace NS")));
  EXPECT_FALSE(IsMountPoint(at_));
}

// The server's answers may come in any order.
TEST_F(ClusterMountTest, ANamespaceThatMayNotBeReadFailsTheMountOfSeveral) {
  server_->Put("a", "one", "x");
  server_->Forbid("list pods b");
  for (int i = 0; i < 4; ++i) {
    const Outcome outcome = Run("mount", From({"--namespace", "a,b", at_}));
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("in the namespace \"b\""));
    EXPECT_FALSE(IsMountPoint(at_));
  }
}

TEST_F(ClusterMountTest, ANamespaceThatIsNamedTwiceIsAskedForOnce) {
  server_->Put("a", "one", "x");
  const Mounted mount(From({"--namespace", "a,a", "--namespace", "a"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Names(mount / "namespaces/a/pods"), std::vector<std::string>{"one"});
  int lists = 0;
  for (const std::string& request : server_->Requests()) {
    const bool pods = request.find("/api/v1/namespaces/a/pods") != std::string::npos;
    if (pods && request.find("sendInitialEvents=true") != std::string::npos) ++lists;
  }
  EXPECT_EQ(lists, 1);
}

// Nobody is told that it is mounted when it is not.
TEST_F(ClusterMountTest, ASignalWhileLoadingFailsTheCommand) {
  for (int i = 0; i < 40; ++i) server_->Put("default", "p" + std::to_string(i), "x");
  server_->Inject({ServerFault::Kind::kBody, "list pods", {BodyFault::Kind::kStall, 8000}, {}});
  std::vector<std::string> words = {
      "sh", "-c",
      // The child serves before it says so; nobody else has this mount point in its arguments.
      "\"$@\" & parent=$!\n"
      "until mountpoint -q \"$AT\"; do sleep 0.01; done\n"
      "kill -TERM $(cat /proc/$parent/task/$parent/children)\n"
      "wait $parent",
      "sh", DOWNWARDFS_BINARY, "mount"};
  for (const std::string& word : From({"--cluster", at_})) words.push_back(word);
  RunOptions options;
  options.env["AT"] = at_;
  const Outcome outcome = RunProgram(words, options);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("stopped by a signal; nothing is mounted"));
  EXPECT_FALSE(IsMountPoint(at_));
}

TEST_F(ClusterMountTest, WhatDoesNotGoTogetherIsWrongUsage) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"--cluster", "--pod", "default/web"}, "--pod"},
      {{"--cluster", "--namespace", "a"}, "excludes"},
      {{"--cluster", "--layout", "live"}, "--layout live"},
      {{"--cluster", "--run-as", "1:1"}, "--run-as is for the mount of one pod"},
      {{"--namespace", "a", "--watchdog", "10000"}, "--watchdog is for"},
      {{"--namespace", "a", "--no-resend"}, "--no-resend is for"},
      {{}, "--cluster or --namespace NS"},
      {{"--namespace", "A_b"}, "--namespace"},
  };
  for (const auto& [words, says] : cases) {
    std::vector<std::string> all = From(words);
    all.push_back(at_);
    const Outcome outcome = Run("mount", all);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(says));
  }
}

TEST_F(ClusterMountTest, TheContentStaysWhileTheServerIsAway) {
  const Mounted mount(From({"--cluster"}), at_);
  ASSERT_TRUE(mount.ok());
  server_->Stop();
  EXPECT_TRUE(Eventually(
      [&] { return Slurp(mount / "..status").find("\"connected\": false") != std::string::npos; }));
  EXPECT_EQ(Slurp(mount / "namespaces/default/pods/web/podName"), "web\n");
  EXPECT_TRUE(Eventually(
      [&] { return Slurp(mount / "..status").find("cannot connect") != std::string::npos; }));
  server_->Start();
  Label("back");
  EXPECT_TRUE(Shows("namespaces/default/pods/web/labels.d/tick", "back\n"));
}

// The list stops in its middle: what has come is there, and ..status says that there is more.
TEST_F(ClusterMountTest, TheTreeIsUsedWhileItIsStillLoading) {
  for (int i = 0; i < 40; ++i) server_->Put("default", "p" + std::to_string(i), "x");
  server_->Inject({ServerFault::Kind::kBody, "list pods", {BodyFault::Kind::kStall, 8000}, {}});
  const Outcome outcome = Run("mount", From({"--cluster", at_}));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("the rest goes on loading"));
  const std::vector<std::string> some = Names(at_ + "/namespaces/default/pods");
  EXPECT_THAT(some, AllOf(Not(IsEmpty()), Not(Contains("web"))));
  EXPECT_EQ(Slurp(at_ + "/namespaces/default/pods/" + some[0] + "/podName"), some[0] + "\n");
  EXPECT_THAT(Slurp(at_ + "/..status"), HasSubstr("\"loading\": true"));
  server_->Drop();  // the next attempt is made soon
  EXPECT_TRUE(There("namespaces/default/pods/web"));
  EXPECT_TRUE(Eventually(
      [&] { return Slurp(at_ + "/..status").find("\"loading\": false") != std::string::npos; }));
  EXPECT_EQ(Names(at_ + "/namespaces/default/pods").size(), 41U);
  EXPECT_EQ(Downwardfs({"umount", at_}).exit_code, 0);
}

TEST_F(ClusterMountTest, NobodyElseSeesItUnlessTold) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  RunOptions nobody;
  nobody.uid = 65534;
  std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
  {
    const Mounted mount(From({"--cluster"}), at_);
    EXPECT_NE(RunProgram({"ls", at_}, nobody).exit_code, 0);
  }
  const Mounted mount(From({"--cluster", "--allow-other"}), at_);
  EXPECT_EQ(RunProgram({"ls", at_}, nobody).exit_code, 0);
  EXPECT_NE(RunProgram({"touch", at_ + "/x"}).exit_code, 0);
}

TEST_F(ClusterMountTest, ToolsThatWalkTreesWork) {
  server_->PutObject("nodes", "", "node1", {});
  for (int i = 0; i < 20; ++i)
    server_->Put("default", "p" + std::to_string(i), "l/" + std::to_string(i));
  const Mounted mount(From({"--cluster"}), at_);
  ASSERT_TRUE(mount.ok());
  ASSERT_TRUE(There("namespaces/default/pods/p19"));
  const std::string pods = mount / "namespaces/default/pods";
  // Nothing that tar reads is longer or shorter than it was said to be.
  const Outcome tar = RunProgram({"tar", "-C", at_, "-cf", dir_ / "all.tar", "."});
  EXPECT_EQ(tar.exit_code, 0) << tar.err;
  EXPECT_EQ(tar.err, "");
  EXPECT_EQ(RunProgram({"cp", "-r", pods, dir_ / "copy"}).exit_code, 0);
  // Content that varies with time stays for a moment, which may end between cp's lstat and its
  // open.
  std::string all;
  int tries = 0;
  EXPECT_TRUE(Eventually([&] {
    all = dir_ / ("all" + std::to_string(tries++));
    return RunProgram({"cp", "-r", at_, all}).exit_code == 0;
  }));
  EXPECT_THAT(Slurp(all + "/..status"), HasSubstr("\"view\": \"cluster\""));
  EXPECT_THAT(Slurp(all + "/namespaces/default/pods.txt"), HasSubstr("\np19 "));
  const Outcome diff = RunProgram({"diff", "-r", pods, dir_ / "copy"});
  EXPECT_EQ(diff.exit_code, 0) << diff.out;
  const Outcome grep = RunProgram({"grep", "-rlx", "l/7", "--include=tick", pods});
  EXPECT_THAT(Lines(grep.out), ElementsAre(pods + "/p7/labels.d/tick"));
  // Every link leads somewhere.
  const Outcome dangling = RunProgram({"find", at_, "-xtype", "l"});
  EXPECT_EQ(dangling.out + dangling.err, "");
  const Outcome followed = RunProgram({"ls", mount / "by-label/tick/l%2F7/default_p7/"});
  EXPECT_THAT(Lines(followed.out), IsSupersetOf({"podName", "pod.yaml"}));
  EXPECT_EQ(RunProgram({"du", "-s", pods}).exit_code, 0);
}

// Pods come and go while find walks: no error but ENOENT, nothing twice, nothing missing that was
// there all the time.
TEST_F(ClusterMountTest, FindSeesWhatStaysWhileThousandsComeAndGo) {
  constexpr int kStay = 300;
  for (int i = 0; i < kStay; ++i) server_->Put("default", "stay" + std::to_string(i), "s");
  const Mounted mount(From({"--cluster"}), at_);
  ASSERT_TRUE(mount.ok());
  ASSERT_TRUE(There("namespaces/default/pods/stay" + std::to_string(kStay - 1)));
  std::atomic<bool> over{false};
  std::atomic<int> changes{0};
  std::thread churn([&] {
    for (int i = 0; !over; ++i) {
      server_->Put("default", "come" + std::to_string(i), "c" + std::to_string(i % 10));
      if (i >= 50) server_->Delete("default", "come" + std::to_string(i - 50));
      server_->Put("default", "stay" + std::to_string(i % kStay), "s" + std::to_string(i));
      ++changes;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      // However slow the machine is, no backlog of changes builds up that outlives the test.
      if (i % 100 == 99) There("namespaces/default/pods/come" + std::to_string(i));
    }
  });
  for (int round = 0; round < WALKS; ++round) {
    const Outcome find = RunProgram({"find", at_});
    for (const std::string& line : Lines(find.err)) {
      EXPECT_THAT(line, HasSubstr("No such file or directory"));
    }
    const std::vector<std::string> lines = Lines(find.out);
    const std::set<std::string> seen(lines.begin(), lines.end());
    EXPECT_EQ(seen.size(), lines.size()) << "something was seen twice";
    for (int i = 0; i < kStay; ++i) {
      const std::string pod = at_ + "/namespaces/default/pods/stay" + std::to_string(i);
      EXPECT_EQ(seen.count(pod), 1U) << pod;
      EXPECT_EQ(seen.count(pod + "/pod.yaml"), 1U) << pod;
      EXPECT_EQ(seen.count(pod + "/labels.d/tick"), 1U) << pod;
    }
    const Outcome grep =
        RunProgram({"grep", "-rh", "--include=podName", "stay", at_ + "/namespaces"});
    EXPECT_EQ(Lines(grep.out).size(), static_cast<std::size_t>(kStay));
  }
  over = true;
  churn.join();
  EXPECT_GT(changes, 100);
  server_->Put("default", "last", "done");
  ASSERT_TRUE(There("namespaces/default/pods/last"));
  // In the end exactly the server's pods are shown, also where the kernel has cached names.
  std::vector<std::string> expected;
  for (const std::string& pod : server_->Pods()) {
    expected.push_back(pod.substr(8, pod.find(' ') - 8));
  }
  EXPECT_THAT(Names(mount / "namespaces/default/pods"),
              ::testing::UnorderedElementsAreArray(expected));
  for (const std::string& pod : server_->Pods()) {
    const std::string name = pod.substr(8, pod.find(' ') - 8);
    const std::string label = pod.substr(pod.rfind(' ') + 1);
    EXPECT_TRUE(Shows("namespaces/default/pods/" + name + "/labels.d/tick", label + "\n")) << pod;
  }
}

TEST_F(ClusterMountTest, AnOrdinaryUserMountsIt) {
  if (geteuid() != 0) GTEST_SKIP() << "the other tests do";
  std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(token_, std::filesystem::perms(0644));
  ASSERT_EQ(chown(at_.c_str(), 65534, 65534), 0);
  // udev gives everybody the device; where it has not (a container), a mount namespace does.
  RunOptions options;
  options.env["SCRIPT"] = R"sh(
"$@" || exit
cat "$AT/namespaces/default/pods/web/podName"
touch "$AT/x" 2>&1 | grep -o 'Read-only file system'
"$0" umount "$AT"
)sh";
  options.env["AT"] = at_;
  std::vector<std::string> words = {
      "unshare",
      "-m",
      "sh",
      "-ec",
      "mount -t tmpfs none /mnt; mknod /mnt/fuse c 10 229; chmod 666 /mnt/fuse;"
      "mount --bind /mnt/fuse /dev/fuse;"
      "exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -c \"$SCRIPT\" \"$0\" \"$@\"",
      DOWNWARDFS_BINARY,
      DOWNWARDFS_BINARY,
      "mount"};
  for (const std::string& word : From({"--cluster", at_})) words.push_back(word);
  const Outcome outcome = RunProgram(words, options);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "web\nRead-only file system\n");
}

}  // namespace
}  // namespace downwardfs::testing
