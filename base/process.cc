// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <string_view>

namespace downwardfs {

void BeginProcess() {
  std::signal(SIGCHLD, SIG_DFL);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that would exceed ulimit -f is an error, not our end
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is this one. Each is opened for what nobody does with it; without
    // /dev there is always a root directory, and O_PATH allows neither.
    int opened = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (opened < 0) opened = open("/", O_PATH | O_DIRECTORY);
    if (opened < 0) _exit(1);
  }
}

void KeepOwnersRights() {
  const mode_t given = umask(0077);
  umask(given & ~mode_t{S_IRWXU});
}

Result<std::string> OwnProgramPath() {
  char self[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", self, sizeof self);
  if (n <= 0) return Fail(ErrnoError(errno, "/proc/self/exe"));
  return std::string(self, static_cast<std::size_t>(n));
}

std::string StartedFrom(std::string exe) {
  static constexpr std::string_view kDeleted = " (deleted)";
  if (exe.size() > kDeleted.size() && exe.ends_with(kDeleted)) {
    exe.resize(exe.size() - kDeleted.size());
  }
  return exe;
}

std::vector<char*> ExecArguments(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

Status ExecProgram(const std::vector<std::string>& words) {
  execv(words[0].c_str(), ExecArguments(words).data());
  return Fail(ErrnoError(errno, words[0]));
}

Status ExecCommand(const std::vector<std::string>& words) {
  execvp(words[0].c_str(), ExecArguments(words).data());
  return Fail(ErrnoError(errno, words[0]));
}

Result<OwnedFd> OpenNull() {
  OwnedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return Fail(ErrnoError(errno, "/dev/null"));
  return null;
}

void LeaveStandardStreams(const OwnedFd& null) {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null.get(), fd);
}

void LeaveStandardStreams() {
  if (const auto null = OpenNull()) LeaveStandardStreams(*null);
}

void CloseAllBut(std::vector<int> kept, unsigned first) {
  std::sort(kept.begin(), kept.end());
  for (const int fd : kept) {
    if (fd < static_cast<int>(first)) continue;
    if (static_cast<unsigned>(fd) > first) {
      syscall(SYS_close_range, first, static_cast<unsigned>(fd) - 1, 0);
    }
    first = static_cast<unsigned>(fd) + 1;
  }
  syscall(SYS_close_range, first, ~0u, 0);
}

void RaiseFileLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Status CheckStackLimit() {
  constexpr rlim_t kLeastKib = 1024;
  rlimit limit = {};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur / 1024 >= kLeastKib) return {};
  return Fail(ErrorCode::kResourceExhausted,
              "the stack may have at most " + std::to_string(limit.rlim_cur / 1024) +
                  " KiB (ulimit -s), and " + std::to_string(kLeastKib) +
                  " are needed; raise the limit");
}

Status CheckFileLimit(unsigned least) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= least) return {};
  return Fail(ErrorCode::kResourceExhausted,
              "at most " + std::to_string(limit.rlim_cur) + " files may be open (ulimit -n), and " +
                  std::to_string(least) + " are needed; raise the limit");
}

}  // namespace downwardfs
