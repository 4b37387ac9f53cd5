// SPDX-License-Identifier: Apache-2.0
// The processes of a real mount are confined, and do all of their work so: a system call that a
// filter refuses ends the process here.
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "mount-helper/confinement.h"
#include "mount-helper/filter_program.h"
#include "tests/e2e/api_fixture.h"
#include "tests/e2e/mount_fixture.h"
#include "tests/support/children.h"

namespace downwardfs::testing {
namespace {

class ConfinedProcessesTest : public HeldMountTest {
 protected:
  void SetUp() override {
    if (Confining() == ConfiningMode::kOff)
      GTEST_SKIP() << "a program with sanitizers is not confined";
    HeldMountTest::SetUp();
    setenv("DOWNWARDFS_FILTER", "kill", 1);
  }
  void TearDown() override { unsetenv("DOWNWARDFS_FILTER"); }
};

TEST_F(ConfinedProcessesTest, HolderDaemonAndPublisherAre) {
  const Mounted mount(Arguments({"--run-as", "65534:65534"}), at_);
  ASSERT_TRUE(mount.ok());
  const int holder = HolderPid(mount);
  std::vector<int> pids = ChildrenOf(holder);
  EXPECT_EQ(pids.size(), 2u) << "its daemon and its publisher";
  EXPECT_THAT(pids, Contains(mount.DaemonPid()));
  pids.push_back(holder);
  for (const int pid : pids) {
    const std::string folder = "/proc/" + std::to_string(pid);
    EXPECT_THAT(Slurp(folder + "/status"),
                AllOf(HasSubstr("\nNoNewPrivs:\t1\n"), HasSubstr("\nSeccomp:\t2\n")))
        << Slurp(folder + "/comm");
    if (Slurp(folder + "/comm") == "dwfs-publisher\n") {
      EXPECT_EQ(std::filesystem::read_symlink(folder + "/root"), folder + "/fd");
    }
  }
  // proc(5): the files of a process that may not be dumped are root's.
  struct stat st = {};
  const std::string environment = "/proc/" + std::to_string(mount.DaemonPid()) + "/environ";
  ASSERT_EQ(stat(environment.c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, 0u);
}

TEST_F(ConfinedProcessesTest, TheThreadsHaveTheirNames) {
  const Mounted mount(Arguments({}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
  const std::string threads = "/proc/" + std::to_string(mount.DaemonPid()) + "/task";
  const auto without_name = [&] {
    std::vector<std::string> ids;
    for (const auto& thread : std::filesystem::directory_iterator(threads)) {
      const std::string id = thread.path().filename();
      const bool main = id == std::to_string(mount.DaemonPid());
      if (!main && Slurp(thread.path() / "comm") == "downwardfs\n") ids.push_back(id);
    }
    return ids;
  };
  // A thread that has just started is about to take its name.
  EXPECT_TRUE(Eventually([&] { return without_name().empty(); })) << without_name().size();
}

TEST_F(ConfinedProcessesTest, TheyDoAllTheirWorkSo) {
  for (const std::string layout : {"kubelet", "live"}) {
    const Mounted mount(Arguments({"--layout", layout}), at_);
    ASSERT_TRUE(mount.ok());
    const auto shows = [&](const std::string& label) {
      dir_.Replace("pod.yaml", PodYaml(label));
      return Eventually([&] { return Slurp(mount / "labels") == "app=\"" + label + "\""; });
    };
    EXPECT_TRUE(shows("two"));
    kill(mount.DaemonPid(), SIGKILL);
    EXPECT_TRUE(shows("three"));
    // The next holder keeps the filters of this one.
    const Outcome upgrade = Downwardfs({"upgrade", at_});
    EXPECT_EQ(upgrade.exit_code, 0) << upgrade.err;
    EXPECT_TRUE(shows("four"));
    EXPECT_EQ(mount.StatusField("deaths"), "1");
    EXPECT_EQ(mount.StatusField("flipsWithoutEvents"), "0");
    EXPECT_TRUE(shows("one"));
  }
}

// Its words are in the log, and the mount works.
TEST_F(ConfinedProcessesTest, AKernelThatCanDoNoneOfItServesAllTheSame) {
  const std::string log = dir_ / "log";
  const pid_t child = fork();
  if (child == 0) {
    FilterProgram older(FilterProgram::Errno(ENOSYS));
    older.Answer({SYS_seccomp, SYS_landlock_create_ruleset}, FilterProgram::Errno(ENOSYS));
    older.AnswerTheRest(SECCOMP_RET_ALLOW);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!older.Install()) _exit(255);
    execl(DOWNWARDFS_BINARY, "downwardfs", "mount", "--pod-file", pod_.c_str(), "--volume", "info",
          "--log-file", log.c_str(), at_.c_str(), nullptr);
    _exit(254);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  dir_.Replace("pod.yaml", PodYaml("two"));
  EXPECT_TRUE(Eventually([&] { return Slurp(at_ + "/labels") == "app=\"two\""; }));
  EXPECT_THAT(Slurp(log), AllOf(HasSubstr("confines this process less"), HasSubstr("seccomp: "),
                                HasSubstr("landlock: ")));
  EXPECT_EQ(Downwardfs({"umount", at_}).exit_code, 0);
}

class ConfinedPluginTest : public ApiTest {
 protected:
  void SetUp() override {
    if (Confining() == ConfiningMode::kOff)
      GTEST_SKIP() << "a program with sanitizers is not confined";
    setenv("DOWNWARDFS_FILTER", "kill", 1);
  }
  void TearDown() override { unsetenv("DOWNWARDFS_FILTER"); }
};

// It runs other programs, keeps a cache, and asks a service of the machine, as it does elsewhere.
TEST_F(ConfinedPluginTest, ACredentialPluginMayDoWhatItDoes) {
  const std::string script = dir_.Write(
      "plugin", "#!/bin/sh\nset -e\nmkdir -p " + (dir_ / "cache") + "\necho x > " +
                    (dir_ / "cache/token") + "\nchmod 600 " + (dir_ / "cache/token") +
                    "\nprintf '{\"kind\":\"ExecCredential\",\"apiVersion\":"
                    "\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"%s\"}}' "
                    "\"$(cat " +
                    token_ + ")\"\n");
  ASSERT_EQ(chmod(script.c_str(), 0755), 0);
  const std::string config = dir_.Write("config", R"(apiVersion: v1
kind: Config
current-context: dev
contexts: [{name: dev, context: {cluster: c, user: u, namespace: default}}]
clusters: [{name: c, cluster: {server: ")" + server_->url() +
                                                      R"(", certificate-authority: )" + ca_ +
                                                      R"(}}]
users:
- name: u
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: )" +
                                                      script + "}\n");
  const Mounted mount({"--kubeconfig", config, "--pod", "default/web", "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_TRUE(Shows("tick", "one"));
  kill(mount.DaemonPid(), SIGKILL);
  Label("two");
  EXPECT_TRUE(Shows("tick", "two"));
  EXPECT_EQ(mount.StatusField("deaths"), "1");
  struct stat st = {};
  ASSERT_EQ(stat((dir_ / "cache/token").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
}

}  // namespace
}  // namespace downwardfs::testing
