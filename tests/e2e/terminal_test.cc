// SPDX-License-Identifier: Apache-2.0
// Mounts that are made from a terminal: they outlive it, and Ctrl-C of the script that made them.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/owned_fd.h"
#include "tests/e2e/mount_fixture.h"
#include "tests/support/background.h"

namespace downwardfs::testing {
namespace {

// A script in the foreground of a terminal of its own.
class Terminal {
 public:
  explicit Terminal(const std::string& script, const std::vector<std::string>& words) {
    int master = -1;
    pid_ = forkpty(&master, nullptr, nullptr, nullptr);
    if (pid_ == 0) {
      std::vector<char*> argv = {const_cast<char*>("sh"), const_cast<char*>("-c"),
                                 const_cast<char*>(script.c_str()), const_cast<char*>("sh")};
      for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
      argv.push_back(nullptr);
      execv("/bin/sh", argv.data());
      _exit(127);
    }
    master_.Reset(master);
  }
  ~Terminal() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  pid_t pid() const { return pid_; }
  void Close() { master_.Reset(); }
  void Type(char key) const { EXPECT_EQ(write(master_.get(), &key, 1), 1); }
  bool Shows(const std::string& text) {
    return Eventually([&] {
      pollfd fd = {master_.get(), POLLIN, 0};
      char chunk[4096];
      if (poll(&fd, 1, 0) > 0) {
        const ssize_t n = read(master_.get(), chunk, sizeof chunk);
        if (n > 0) shown_.append(chunk, static_cast<std::size_t>(n));
      }
      return shown_.find(text) != std::string::npos;
    });
  }
  /// 128 + N after signal N.
  int Wait() {
    int status = 0;
    EXPECT_TRUE(Eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; }));
    pid_ = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  pid_t pid_ = 0;
  OwnedFd master_;
  std::string shown_;
};

// The processes of the session, or of the process group, `id`.
std::vector<pid_t> InSession(pid_t id) {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0 && (getsid(pid) == id || getpgid(pid) == id)) pids.push_back(pid);
  }
  return pids;
}

bool Runs(const std::string& program, const std::vector<pid_t>& pids) {
  return std::ranges::any_of(pids, [&](pid_t pid) {
    return Slurp("/proc/" + std::to_string(pid) + "/comm") == program + "\n";
  });
}

class TerminalTest : public HeldMountTest, public ::testing::WithParamInterface<bool> {
 protected:
  std::vector<std::string> Mount() {
    std::vector<std::string> words = Arguments({at_});
    if (GetParam()) words.insert(words.begin(), "--no-holder");
    words.insert(words.begin(), {DOWNWARDFS_BINARY, "mount"});
    return words;
  }
  void ExpectServed() {
    dir_.Replace("pod.yaml", PodYaml("two"));
    EXPECT_TRUE(Eventually([&] { return Slurp(at_ + "/labels") == "app=\"two\""; }));
    const Outcome status = Downwardfs({"status", at_, "--format", "json"});
    EXPECT_THAT(status.out, HasSubstr("\"deaths\": 0"));
    EXPECT_EQ(Downwardfs({"umount", at_}).exit_code, 0);
  }
};

TEST_P(TerminalTest, TheMountOutlivesItsTerminal) {
  Terminal terminal(R"("$@" && echo ready; sleep 1000)", Mount());
  ASSERT_TRUE(terminal.Shows("ready"));
  EXPECT_TRUE(Eventually([&] { return Runs("sleep", InSession(terminal.pid())); }));
  EXPECT_THAT(InSession(terminal.pid()), ::testing::SizeIs(2)) << "the shell and sleep";
  terminal.Close();
  EXPECT_EQ(terminal.Wait(), 128 + SIGHUP);
  ExpectServed();
}

TEST_P(TerminalTest, TheMountOutlivesCtrlCOfTheScriptThatMadeIt) {
  Terminal terminal(R"("$@" && echo ready; sleep 1000; echo on)", Mount());
  ASSERT_TRUE(terminal.Shows("ready"));
  // The child of a shell passes over the signal until it is sleep.
  ASSERT_TRUE(Eventually([&] { return Runs("sleep", InSession(terminal.pid())); }));
  terminal.Type('\x03');
  EXPECT_EQ(terminal.Wait(), 128 + SIGINT);
  ExpectServed();
}

// nohup(1) and the `&` of a script have it ignore a hang-up and an interrupt.
TEST_P(TerminalTest, AForegroundMountThatIgnoresItsTerminalOutlivesIt) {
  std::vector<std::string> words = Mount();
  words.insert(words.begin() + 2, "--foreground");
  Terminal terminal(R"(nohup "$@" < /dev/null > /dev/null 2>&1 & sleep 1000; echo on)", words);
  ASSERT_TRUE(Eventually([&] { return IsMountPoint(at_); }));
  ASSERT_TRUE(Eventually([&] { return Runs("sleep", InSession(terminal.pid())); }));
  terminal.Type('\x03');
  EXPECT_EQ(terminal.Wait(), 128 + SIGINT);
  terminal.Close();
  ExpectServed();
}

// A FIFO that nobody writes to holds up the start.
TEST_P(TerminalTest, CtrlCWhileItStartsEndsAllOfIt) {
  const std::string fifo = dir_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const std::string server = "http://127.0.0.1:1";
  const std::vector<std::vector<std::string>> inputs = {
      {"--pod-file", fifo},
      {"--pod", "a/b", "--kubeconfig", fifo},
      {"--pod", "a/b", "--server", server, "--items", fifo},
      {"--cluster", "--kubeconfig", fifo},
  };
  for (const auto& input : inputs) {
    SCOPED_TRACE(input[0] + input[2 % input.size()]);
    if (input[0] == "--cluster" && GetParam()) continue;
    std::vector<std::string> words = {DOWNWARDFS_BINARY, "mount"};
    words.insert(words.end(), input.begin(), input.end());
    if (GetParam()) words.emplace_back("--no-holder");
    words.push_back(at_);
    const auto running = [&] {
      return RunProgram({"pgrep", "-f", "--", "^" DOWNWARDFS_BINARY ".*" + fifo}).exit_code == 0;
    };
    Terminal terminal(R"(exec "$@")", words);
    // The FIFO has a reader, which waits.
    OwnedFd writer;
    ASSERT_TRUE(Eventually([&] {
      writer.Reset(open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
      return static_cast<bool>(writer);
    }));
    terminal.Type('\x03');
    EXPECT_EQ(terminal.Wait(), 128 + SIGINT);
    EXPECT_TRUE(Eventually([&] { return !running(); }));
    EXPECT_FALSE(IsMountPoint(at_));
  }
}

TEST_P(TerminalTest, AStartEndsWithTheMountHelperThatWaitsForIt) {
  const std::string fifo = dir_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const auto running = [&] {
    return RunProgram({"pgrep", "-f", "--", "--pod-file=" + fifo}).exit_code == 0;
  };
  const std::string options = "pod-file=" + fifo + (GetParam() ? ",no-holder" : "");
  Background helper({"none", at_, "-o", options}, dir_ / "errors", MOUNT_HELPER);
  ASSERT_TRUE(Eventually(running));
  EXPECT_EQ(helper.Wait(SIGKILL), 128 + SIGKILL);
  EXPECT_TRUE(Eventually([&] { return !running(); }));
}

INSTANTIATE_TEST_SUITE_P(HeldAndAlone, TerminalTest, ::testing::Bool());

}  // namespace
}  // namespace downwardfs::testing
