// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/input_opener.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/process.h"
#include "mount-helper/confinement.h"
#include "mount-helper/fd_packet.h"
#include "mount-helper/syscall_filter.h"

namespace downwardfs {
namespace {

constexpr std::chrono::milliseconds kOpenerPatience{5000};
constexpr int kNotOurs = -1;  // no errno: a file system may answer with any

struct OpenerAnswer {
  std::uint64_t serial;
  int error;
};

// The one way to open a file that the publisher's filter allows, which is this process's too.
OwnedFd OpenRegular(const std::string& path, int& error) {
  open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  OwnedFd file(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
  error = file ? 0 : errno;
  struct stat st = {};
  if (file && fstat(file.get(), &st) != 0) error = errno;
  if (error == 0 && !S_ISREG(st.st_mode)) error = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
  if (error != 0) file.Reset();
  return file;
}

[[noreturn]] void OpenForDaemon(int connection, const std::vector<std::string>& paths) {
  for (;;) {
    const auto question = ReceivePacket(connection, sizeof(std::uint64_t) + PATH_MAX, 0);
    if (!question || question->bytes.size() <= sizeof(std::uint64_t)) _exit(0);
    OpenerAnswer answer = {};
    std::memcpy(&answer.serial, question->bytes.data(), sizeof answer.serial);
    const std::string path = question->bytes.substr(sizeof answer.serial);
    OwnedFd file;
    answer.error = kNotOurs;
    if (std::find(paths.begin(), paths.end(), path) != paths.end()) {
      file = OpenRegular(path, answer.error);
    }
    const std::string bytes(reinterpret_cast<const char*>(&answer), sizeof answer);
    const auto fds = file ? std::vector<int>{file.get()} : std::vector<int>();
    if (!SendPacket(connection, bytes, fds, kOpenerPatience)) _exit(0);
  }
}

[[noreturn]] void BecomeOpener(const InputsOf& inputs, int connection, int mount_namespace) {
  prctl(PR_SET_NAME, "dwfs-opener");
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);  // it ends with its connection
  if (mount_namespace >= 0 &&
      (unshare(CLONE_FS) != 0 || setns(mount_namespace, CLONE_NEWNS) != 0)) {
    _exit(1);
  }
  CloseAllBut({connection});
  LeaveStandardStreams();
  if (!BecomeUser(inputs.who) || !DropAllCapabilities()) _exit(1);
  ForbidDumps();
  // As far as the kernel has it: the daemon logs what it lacks.
  static_cast<void>(ForbidWrites({}));
  static_cast<void>(FilterSystemCalls(ProcessRole::kPublisher));
  OpenForDaemon(connection, inputs.paths);
}

}  // namespace

bool AddInput(const std::string& text, std::vector<InputsOf>& inputs) {
  const auto first = text.find(':');
  const auto second = first == std::string::npos ? first : text.find(':', first + 1);
  if (second == std::string::npos) return false;
  const auto who = ParseRunAs(text.substr(0, second));
  std::string path = text.substr(second + 1);
  if (!who || path.empty() || path.front() != '/' || path.size() >= PATH_MAX) return false;
  const auto same = std::find_if(inputs.begin(), inputs.end(), [&](const InputsOf& one) {
    return one.who.uid == who->uid && one.who.gid == who->gid;
  });
  InputsOf& of = same != inputs.end() ? *same : inputs.emplace_back(InputsOf{*who, {}});
  of.paths.push_back(std::move(path));
  return true;
}

Result<OwnedFd> StartInputOpener(const InputsOf& inputs, int mount_namespace) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Fail(ErrnoError(errno, "socketpair"));
  }
  OwnedFd daemons(ends[0]);
  const OwnedFd openers(ends[1]);
  const pid_t child = fork();
  if (child < 0) return Fail(ErrnoError(errno, "fork"));
  if (child == 0) BecomeOpener(inputs, openers.get(), mount_namespace);
  return daemons;
}

std::optional<OwnedFd> AskInputOpener(int connection, std::uint64_t serial,
                                      const std::string& path) {
  std::string question(reinterpret_cast<const char*>(&serial), sizeof serial);
  question += path;
  if (!SendPacket(connection, question, {}, kOpenerPatience)) return OwnedFd();
  for (;;) {
    pollfd ready = {connection, POLLIN, 0};
    const int events = poll(&ready, 1, static_cast<int>(kOpenerPatience.count()));
    if (events < 0 && errno == EINTR) continue;
    if (events <= 0) {
      errno = ETIMEDOUT;
      return OwnedFd();
    }
    auto packet = ReceivePacket(connection, sizeof(OpenerAnswer), 1);
    OpenerAnswer answer = {};
    if (!packet || packet->bytes.size() != sizeof answer) {
      errno = ECONNRESET;
      return OwnedFd();
    }
    std::memcpy(&answer, packet->bytes.data(), sizeof answer);
    if (answer.serial != serial) continue;  // of a question that was given up
    if (answer.error == kNotOurs) return std::nullopt;
    if (answer.error == 0 && packet->fds.size() == 1) return std::move(packet->fds[0]);
    errno = answer.error != 0 ? answer.error : ECONNRESET;
    return OwnedFd();
  }
}

}  // namespace downwardfs
