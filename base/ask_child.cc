// SPDX-License-Identifier: Apache-2.0
#include "base/ask_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/end_with_parent.h"
#include "base/owned_fd.h"
#include "base/reap.h"

namespace downwardfs {
namespace {

constexpr std::chrono::milliseconds kReapGrace{100};

}  // namespace

Result<ChildAnswer> AskChild(const std::function<int(int out)>& body,
                             std::optional<std::chrono::milliseconds> patience) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Fail(ErrnoError(errno, "pipe"));
  const OwnedFd reader(ends[0]);
  OwnedFd writer(ends[1]);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return Fail(ErrnoError(errno, "fork"));
  if (child == 0) {
    EndWithParent(parent, SIGKILL, 1);  // the answer is for it alone
    _exit(body(writer.get()));
  }
  writer.Reset();
  ChildAnswer answer;
  for (;;) {
    pollfd fd = {reader.get(), POLLIN, 0};
    const int ready = poll(&fd, 1, patience ? static_cast<int>(patience->count()) : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      kill(child, SIGKILL);
      ReapWithin(child, kReapGrace);
      return Fail(ErrorCode::kDeadlineExceeded, "the child does not answer");
    }
    char chunk[4096];
    const ssize_t n = read(reader.get(), chunk, sizeof chunk);
    if (n <= 0) break;
    answer.text.append(chunk, static_cast<std::size_t>(n));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) answer.exit_status = WEXITSTATUS(status);
  return answer;
}

}  // namespace downwardfs
