// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/daemon_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "base/reap.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kEndGrace{2000};
constexpr milliseconds kKillGrace{2000};  // one that hangs in the kernel is left to it
constexpr milliseconds kStartTime{10000};

std::uint64_t Microseconds(std::chrono::steady_clock::duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

// In the child. Before the mount is ready somebody reads this; later the log has it.
[[noreturn]] void CannotStart(const std::string& why) {
  dprintf(STDERR_FILENO, "downwardfs-holder: %s\n", why.c_str());
  syslog(LOG_ERR, "downwardfs: %s", why.c_str());
  _exit(1);
}

}  // namespace

void DaemonChild::BecomeDaemon(int end) const {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int channel = fcntl(end, F_DUPFD, 3);  // not closed at exec
  setenv(kHolderFdVariable, std::to_string(channel).c_str(), 1);
  std::vector<char*> argv;
  argv.reserve(options_.command.size() + 1);
  for (const std::string& word : options_.command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const std::string what = "cannot start the daemon: ";
  if (options_.run_as) {
    if (const auto done = BecomeUser(*options_.run_as); !done) {
      CannotStart(what + done.error().message);
    }
  }
  if (const auto done = DropAllCapabilities(); !done) CannotStart(what + done.error().message);
  execv(argv[0], argv.data());
  CannotStart(what + ErrnoError(errno, options_.command[0]).message);
}

Status DaemonChild::Start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Fail(ErrnoError(errno, "socketpair"));
  }
  OwnedFd ours(ends[0]);
  const OwnedFd theirs(ends[1]);
  fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  const pid_t child = fork();
  if (child < 0) return Fail(ErrnoError(errno, "fork"));
  if (child == 0) BecomeDaemon(theirs.get());
  pid_ = child;
  ++figures_.generation;
  channel_ = std::move(ours);
  served_ = at_fault_ = false;
  last_sign_ = Clock::now();
  backoff_.Started(last_sign_);
  restart_at_ = Clock::time_point::max();
  return {};
}

void DaemonChild::TakeOver(pid_t pid, OwnedFd channel, const DaemonFigures& figures) {
  pid_ = pid > 0 ? pid : -1;
  channel_ = std::move(channel);
  figures_ = figures;
  served_ = true;
  last_sign_ = died_ = Clock::now();
  if (!running()) restart_at_ = unserved_since_.emplace(died_);
  Replace();
}

void DaemonChild::Serving() {
  served_ = true;
  backoff_.Served();
  if (!unserved_since_) return;
  figures_.last_handover_us = Microseconds(Clock::now() - *std::exchange(unserved_since_, {}));
  figures_.longest_handover_us = std::max(figures_.longest_handover_us, figures_.last_handover_us);
}

void DaemonChild::Kill() {
  at_fault_ = true;
  KillBlameless();
}

void DaemonChild::KillBlameless() const {
  if (running()) kill(pid_, SIGKILL);
}

void DaemonChild::Replace() {
  replaced_ = true;
  KillBlameless();
}

void DaemonChild::Ended(int status) {
  pid_ = -1;
  channel_.Reset();
  died_ = Clock::now();
  const auto silent_since = std::exchange(silent_since_, {});
  if (served_) unserved_since_ = silent_since.value_or(died_);
  restart_at_ = died_;
  if (std::exchange(replaced_, false)) return;
  ++figures_.deaths;
  const bool by_others = !at_fault_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  restart_at_ = backoff_.Ended(
      died_, by_others ? RestartBackoff::Death::kByOthers : RestartBackoff::Death::kItsOwn);
}

int DaemonChild::End() {
  channel_.Reset();
  restart_at_ = Clock::time_point::max();
  if (!running()) return 1;
  kill(pid_, SIGCONT);
  kill(pid_, SIGTERM);
  int status = 0;
  bool ended = ReapWithin(pid_, kEndGrace, &status);
  if (!ended) {
    kill(pid_, SIGKILL);
    ended = ReapWithin(pid_, kKillGrace, &status);
  }
  pid_ = -1;
  return ended && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

// How long a daemon may be silent. One that starts on a busy machine has more to do than to answer.
milliseconds DaemonChild::Patience() const {
  return served_ ? options_.watchdog : std::max(options_.watchdog, kStartTime);
}

DaemonChild::Clock::time_point DaemonChild::NextLook() const {
  return std::max(last_sign_, life_checked_) + options_.watchdog / 2;
}

void DaemonChild::KillIfSilent(Clock::time_point now) {
  if (now < last_sign_ + Patience()) return;
  syslog(LOG_WARNING, "downwardfs: no sign of life from daemon %d; it is killed", pid_);
  Kill();
  if (!silent_since_) silent_since_ = last_sign_;
  last_sign_ = now;
}

void DaemonChild::RetryLater(Clock::time_point now) {
  restart_at_ = now + RestartBackoff::kLongestPause;
}

int DaemonChild::WaitTime(bool watched) const {
  Clock::time_point next = restart_at_;
  if (Watched(watched)) next = std::min({next, last_sign_ + Patience(), NextLook()});
  if (next == Clock::time_point::max()) return -1;
  const auto wait = std::chrono::ceil<milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 60000));
}

}  // namespace downwardfs
