// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/daemon_process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/reap.h"
#include "base/system_log.h"
#include "mount-helper/process_state.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTermGrace{2000};
constexpr milliseconds kKillGrace{2000};  // one that hangs in the kernel is left to it

// In the child. Before the mount is ready somebody reads this; later the log has it.
[[noreturn]] void CannotStart(const std::string& why) {
  dprintf(STDERR_FILENO, "downwardfs-holder: %s\n", why.c_str());
  SystemLog(LOG_ERR, "downwardfs: %s", why.c_str());
  _exit(1);
}

// When memory runs out the kernel is to end the daemon, which is started again and goes on, before
// its parent, which has what makes that possible. To raise the number needs no right but to open
// this file, which is root's in a process that may not be dumped; exec allows dumps again anyway.
// If /proc is missing, it stays as it is.
void EndBeforeParent() {
  constexpr int kMore = 100;
  constexpr int kMost = 1000;  // proc_pid_oom_score_adj(5)
  const int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
  if (dumpable == 0) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  FILE* const file = std::fopen("/proc/self/oom_score_adj", "r+e");
  if (dumpable == 0) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (file == nullptr) return;
  int before = 0;
  if (std::fscanf(file, "%d", &before) == 1) {
    std::rewind(file);
    std::fprintf(file, "%d", std::min(before + kMore, kMost));
  }
  std::fclose(file);
}

}  // namespace

void ForkedDaemons::BecomeDaemon(int end, const std::vector<OwnedFd>& openers) const {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int channel = fcntl(end, F_DUPFD, 3);  // not closed at exec
  setenv(kHolderFdVariable, std::to_string(channel).c_str(), 1);
  std::string connections;
  for (const OwnedFd& opener : openers) {
    connections +=
        (connections.empty() ? "" : ",") + std::to_string(fcntl(opener.get(), F_DUPFD, 3));
  }
  if (!connections.empty()) setenv(kOpenersVariable, connections.c_str(), 1);
  std::vector<char*> argv;
  argv.reserve(options_.command.size() + 1);
  for (const std::string& word : options_.command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const std::string what = "cannot start the daemon: ";
  // Threads share a working directory and so cannot leave the namespace (setns(2)); a sanitizer
  // starts one of its own.
  if (options_.mount_namespace >= 0 &&
      (unshare(CLONE_FS) != 0 || setns(options_.mount_namespace, CLONE_NEWNS) != 0)) {
    CannotStart(what + ErrnoError(errno, "its mount namespace").message);
  }
  EndBeforeParent();
  if (options_.run_as) {
    if (const auto done = BecomeUser(*options_.run_as); !done) {
      CannotStart(what + done.error().message);
    }
  }
  if (const auto done = DropAllCapabilities(); !done) CannotStart(what + done.error().message);
  // Without us nobody kills a daemon that is stopped; readers would wait for it. After the change
  // of credentials, which takes this back.
  prctl(PR_SET_PDEATHSIG, SIGCONT);
  execv(argv[0], argv.data());
  CannotStart(what + ErrnoError(errno, options_.command[0]).message);
}

Result<DaemonProcesses::Started> ForkedDaemons::Start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Fail(ErrnoError(errno, "socketpair"));
  }
  OwnedFd ours(ends[0]);
  const OwnedFd theirs(ends[1]);
  fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  std::vector<OwnedFd> openers;
  for (const InputsOf& inputs : options_.inputs) {
    auto opener = StartInputOpener(inputs, options_.mount_namespace);
    if (!opener) return Fail(std::move(opener.error()));
    openers.push_back(std::move(*opener));
  }
  const pid_t child = fork();
  if (child < 0) return Fail(ErrnoError(errno, "fork"));
  if (child == 0) BecomeDaemon(theirs.get(), openers);
  return Started{child, std::move(ours)};
}

void ForkedDaemons::Kill(pid_t pid) {
  kill(pid, SIGKILL);
}

bool ForkedDaemons::IsDying(pid_t pid) {
  return StateOf(pid) == ProcessState::kEnded;
}

int ForkedDaemons::End(pid_t pid) {
  kill(pid, SIGCONT);
  kill(pid, SIGTERM);
  int status = 0;
  bool ended = ReapWithin(pid, kTermGrace, &status);
  if (!ended) {
    kill(pid, SIGKILL);
    ended = ReapWithin(pid, kKillGrace, &status);
  }
  return ended && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace downwardfs
