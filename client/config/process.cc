// SPDX-License-Identifier: Apache-2.0
#include "client/config/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/file.h"
#include "base/process.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace downwardfs::client {
namespace {

constexpr std::size_t kKeptStderr = 65536;

struct Pipe {
  OwnedFd read_end;
  OwnedFd write_end;
};

Result<Pipe> MakePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return Fail(ErrnoError(errno, "pipe"));
  Pipe pipe{OwnedFd(fds[0]), OwnedFd(fds[1])};
  fcntl(pipe.read_end.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

// posix_spawn's two settings objects with an owner.
class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t* actions() { return &actions_; }
  posix_spawnattr_t* attributes() { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

Result<pid_t> Spawn(const ProcessSpec& spec, int out, int err) {
  SpawnSettings settings;
  if (!spec.interactive) {
    posix_spawn_file_actions_addopen(settings.actions(), 0, "/dev/null", O_RDONLY, 0);
  }
  posix_spawn_file_actions_adddup2(settings.actions(), out, 1);
  posix_spawn_file_actions_adddup2(settings.actions(), err, 2);
  posix_spawn_file_actions_addclosefrom_np(settings.actions(), 3);
  // Our threads block all signals and the process ignores some; a program expects the defaults.
  // Ids: should we ever run with borrowed rights, the program has those of the person who started
  // us.
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(settings.attributes(), &none);
  posix_spawnattr_setsigdefault(settings.attributes(), &all);
  posix_spawnattr_setpgroup(settings.attributes(), 0);
  int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_RESETIDS;
  if (!spec.interactive) flags |= POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(settings.attributes(), static_cast<short>(flags));
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, spec.path.c_str(), settings.actions(), settings.attributes(),
                  ExecArguments(spec.argv).data(), ExecArguments(spec.environment).data());
  if (error != 0) return Fail(ErrnoError(error, "cannot run " + spec.path));
  return pid;
}

// A started program: killed and reaped when this goes, if it has not ended before.
class Child {
 public:
  Child(pid_t pid, bool leads_group)
      : pid_(pid),
        leads_group_(leads_group),
        pidfd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  ~Child() {
    if (pid_ == 0) return;
    // Not reaped yet, so the number cannot belong to anyone else.
    kill(leads_group_ ? -pid_ : pid_, SIGKILL);
    Reap();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pidfd() const { return pidfd_.get(); }

  int Reap() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  pid_t pid_;
  const bool leads_group_;
  const OwnedFd pidfd_;
};

// Reads what is there. False at the end of the stream (then `fd` is closed).
bool Drain(OwnedFd& fd, std::string& bytes, std::size_t limit, int copy_to) {
  char chunk[16384];
  while (fd && bytes.size() <= limit) {
    const ssize_t n = read(fd.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) {
      fd.Reset();
      return false;
    }
    const std::string_view part(chunk, static_cast<std::size_t>(n));
    bytes += part;
    if (copy_to >= 0) (void)WriteAll(copy_to, part, "standard error");
  }
  return static_cast<bool>(fd);
}

// Standard error never fills up: only its end is kept.
void DrainStderr(OwnedFd& fd, std::string& bytes, int copy_to) {
  while (fd) {
    const std::size_t before = bytes.size();
    const bool open = Drain(fd, bytes, bytes.size() + kKeptStderr, copy_to);
    const bool progress = bytes.size() != before;
    if (bytes.size() > kKeptStderr) bytes.erase(0, bytes.size() - kKeptStderr);
    if (!open || !progress) return;
  }
}

Result<ProcessOutput> Follow(Child& child, OwnedFd out, OwnedFd err, const ProcessSpec& spec,
                             const CancelFlag& cancel) {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + spec.timeout;
  const int copy_to = spec.show_stderr ? STDERR_FILENO : -1;
  ProcessOutput output;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) {
      return Fail(ErrorCode::kDeadlineExceeded,
                  "still running after " + std::to_string((spec.timeout.count() + 999) / 1000) +
                      " s, so it was killed");
    }
    pollfd fds[] = {{child.pidfd(), POLLIN, 0},
                    {cancel.fd(), POLLIN, 0},
                    {out.get(), POLLIN, 0},
                    {err.get(), POLLIN, 0}};
    if (poll(fds, 4, static_cast<int>(left.count()) + 1) < 0 && errno != EINTR) {
      return Fail(ErrnoError(errno, "poll"));
    }
    if (fds[1].revents != 0) return Fail(ErrorCode::kCancelled, "stopped while it was running");
    // The end is looked at before the last bytes are read. A grandchild may hold the pipes open for
    // longer; what it prints after the program's end is nobody's answer.
    const bool ended = fds[0].revents != 0;
    Drain(out, output.out, spec.max_output, -1);
    DrainStderr(err, output.err, copy_to);
    if (output.out.size() > spec.max_output) {
      return Fail(ErrorCode::kResourceExhausted,
                  "printed more than " + std::to_string(spec.max_output) + " bytes");
    }
    if (ended) {
      output.exit_code = child.Reap();
      return output;
    }
  }
}

class RealRunner final : public ProcessRunner {
 public:
  Result<ProcessOutput> Run(const ProcessSpec& spec, const CancelFlag& cancel) override {
    auto out = MakePipe();
    auto err = MakePipe();
    if (!out) return Fail(std::move(out.error()));
    if (!err) return Fail(std::move(err.error()));
    const auto pid = Spawn(spec, out->write_end.get(), err->write_end.get());
    if (!pid) return Fail(pid.error());
    Child child(*pid, !spec.interactive);
    if (child.pidfd() < 0) return Fail(ErrnoError(errno, "pidfd_open (Linux 5.3 has it)"));
    out->write_end.Reset();
    err->write_end.Reset();
    return Follow(child, std::move(out->read_end), std::move(err->read_end), spec, cancel);
  }

  std::string Find(const std::string& command) override {
    if (command.find('/') != std::string::npos) return IsExecutable(command) ? command : "";
    const char* path = std::getenv("PATH");
    std::string_view rest = path != nullptr ? path : "";
    while (!rest.empty()) {
      const std::string_view directory = rest.substr(0, rest.find(':'));
      rest.remove_prefix(std::min(rest.size(), directory.size() + 1));
      if (directory.empty() || directory[0] != '/') continue;
      std::string candidate = std::string(directory) + "/" + command;
      if (IsExecutable(candidate)) return candidate;
    }
    return "";
  }

  bool HasTerminal() const override { return isatty(STDIN_FILENO) == 1; }

  std::vector<std::string> Environment() const override {
    std::vector<std::string> variables;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
      variables.emplace_back(*variable);
    }
    return variables;
  }

 private:
  static bool IsExecutable(const std::string& path) {
    struct stat st = {};
    return stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && access(path.c_str(), X_OK) == 0;
  }
};

}  // namespace

CancelFlag::CancelFlag() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void CancelFlag::Set() {
  const std::uint64_t one = 1;
  (void)!write(event_.get(), &one, sizeof one);
}

bool CancelFlag::IsSet() const {
  pollfd fd = {event_.get(), POLLIN, 0};
  return poll(&fd, 1, 0) == 1;
}

ProcessRunner& ProcessRunner::Real() {
  static RealRunner runner;
  return runner;
}

}  // namespace downwardfs::client
