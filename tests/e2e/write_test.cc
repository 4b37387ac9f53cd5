// SPDX-License-Identifier: Apache-2.0
// `downwardfs write`: the kubelet's layout in a plain directory.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/e2e/pods.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

TEST(WriteTest, OnceWritesTheVolumeAndExits) {
  const TempDir dir;
  const std::string pod = dir.Write("pod.yaml", PodYaml("one"));
  const std::string to = dir.MakeDir("to");
  const Outcome outcome =
      Downwardfs({"write", "--once", "--pod-file", pod, "--volume", "info", "--to", to});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(Slurp(to + "/labels"), "app=\"one\"");
  EXPECT_EQ(std::filesystem::read_symlink(to + "/res"), "..data/res");
  struct stat st = {};
  ASSERT_EQ(stat((to + "/name").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0400u);
}

TEST(WriteTest, FollowsChangesUntilSigtermAndLeavesTheFiles) {
  const TempDir dir;
  const std::string pod = dir.Write("pod.yaml", PodYaml("one"));
  const std::string to = dir.MakeDir("to");
  const pid_t child = fork();
  if (child == 0) {
    const std::string program = DOWNWARDFS_BINARY;
    execl(program.c_str(), "downwardfs", "write", "--pod-file", pod.c_str(), "--volume", "info",
          "--to", to.c_str(), "--log-file", (dir / "log").c_str(), nullptr);
    _exit(127);
  }
  EXPECT_TRUE(Eventually([&] { return access((to + "/labels").c_str(), F_OK) == 0; }));
  for (int i = 0; i < 50; ++i) {
    dir.Replace("pod.yaml", PodYaml(std::to_string(i)));
    EXPECT_TRUE(
        Eventually([&] { return Slurp(to + "/labels") == "app=\"" + std::to_string(i) + "\""; }));
  }
  kill(child, SIGTERM);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(Slurp(to + "/labels"), "app=\"49\"");
  int names = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(to)) ++names;
  EXPECT_EQ(names, 5);  // ..data, one data directory, labels, name, res
}

TEST(WriteTest, AUmaskThatTakesAllHindersNobody) {
  const TempDir dir;
  const std::string pod = dir.Write("pod.yaml", PodYaml("one"));
  const std::string to = dir.MakeDir("to");
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(to, std::filesystem::perms::all);
  RunOptions options;
  options.uid = 65534;
  const Outcome outcome =
      RunProgram({"sh", "-c", R"(umask 0777; exec "$@")", "sh", DOWNWARDFS_BINARY, "write",
                  "--once", "--pod-file", pod, "--volume", "info", "--to", to},
                 options);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(Slurp(to + "/labels"), "app=\"one\"");
}

constexpr char kUserPod[] = R"(apiVersion: v1
kind: Pod
metadata: {name: p, labels: {a: b}}
spec:
  containers: [{name: c, image: x}]
  volumes:
  - name: v
    downwardAPI:
      defaultUser: 1000
      items:
      - {path: labels, fieldRef: {fieldPath: metadata.labels}}
      - {path: dir/name, user: 2000, mode: 0400, fieldRef: {fieldPath: metadata.name}}
)";

uid_t Owner(const std::string& path) {
  struct stat st = {};
  EXPECT_EQ(lstat(path.c_str(), &st), 0) << path;
  return st.st_uid;
}

// Rule: KEP-5936.
TEST(WriteTest, FilesBelongToTheirUsersWhereWeMayChown) {
  const TempDir dir;
  const std::string pod = dir.Write("pod.yaml", kUserPod);
  const std::string to = dir.MakeDir("to");
  const std::vector<std::string> write = {"write",    "--once", "--pod-file", pod,
                                          "--volume", "v",      "--to",       to};
  ASSERT_EQ(Downwardfs(write).exit_code, 0);
  const std::string data = std::filesystem::read_symlink(to + "/..data");
  EXPECT_EQ(Owner(to + "/..data/labels"), 1000U);
  EXPECT_EQ(Owner(to + "/labels"), 1000U) << "the link";
  EXPECT_EQ(Owner(to + "/..data/dir/name"), 2000U);
  EXPECT_EQ(Owner(to + "/dir"), 2000U) << "the link";
  EXPECT_EQ(Owner(to + "/..data/dir"), geteuid());
  EXPECT_EQ(Owner(to + "/..data"), geteuid());
  ASSERT_EQ(Downwardfs(write).exit_code, 0);
  EXPECT_EQ(std::filesystem::read_symlink(to + "/..data"), data) << "nothing has changed";

  const std::string own = dir.MakeDir("own");
  ASSERT_EQ(chown(own.c_str(), 65534, 65534), 0);
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
  RunOptions nobody;
  nobody.uid = 65534;
  const Outcome outcome =
      Downwardfs({"write", "--once", "--pod-file", pod, "--volume", "v", "--to", own}, nobody);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(Owner(own + "/..data/labels"), 65534U);
}

TEST(WriteTest, ADirectoryThatIsNotThereIsOneLine) {
  const TempDir dir;
  const std::string pod = dir.Write("pod.yaml", PodYaml("one"));
  const Outcome outcome =
      Downwardfs({"write", "--once", "--pod-file", pod, "--to", dir / "missing"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, ::testing::MatchesRegex("downwardfs: .*/missing: [^\n]*\n"));
}

}  // namespace
}  // namespace downwardfs::testing
