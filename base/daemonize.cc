// SPDX-License-Identifier: Apache-2.0
#include "base/daemonize.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/end_with_parent.h"
#include "base/file.h"
#include "base/process.h"

namespace downwardfs {

Status ReadinessPipe::Ready() {
  if (!fd_) return {};
  const auto null = OpenNull();
  if (!null) return Fail(null.error());
  prctl(PR_SET_PDEATHSIG, 0);
  if (auto told = WriteAll(fd_.get(), "1", "readiness pipe"); !told) return told;
  fd_.Reset();
  LeaveStandardStreams(*null);
  return {};
}

int ReadinessPipe::ReleaseForExec() {
  const int fd = fd_.Release();
  fcntl(fd, F_SETFD, 0);
  return fd;
}

Result<ReadinessPipe> ForkUntilReady(const std::function<void()>& killed) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Fail(ErrnoError(errno, "pipe"));
  OwnedFd reader(ends[0]);
  OwnedFd writer(ends[1]);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return Fail(ErrnoError(errno, "fork"));
  if (child == 0) {
    // From here on the terminal's end and Ctrl-C reach the command alone, and whatever ends the
    // command before we are ready means us too.
    setsid();
    EndWithParent(parent, SIGTERM, 1);
    return ReadinessPipe(std::move(writer));
  }

  writer.Reset();
  char byte = 0;
  ssize_t n = 0;
  do {
    n = read(reader.get(), &byte, 1);
  } while (n < 0 && errno == EINTR);
  if (n == 1) _exit(0);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status) && killed) killed();
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

}  // namespace downwardfs
