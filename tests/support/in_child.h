// SPDX-License-Identifier: Apache-2.0
// Does something in a child, since it cannot be undone in this process.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace downwardfs::testing {

/// The value that `work` returns, 0 to 255; 128 + N if signal N ended the child.
inline int InChild(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) _exit(work());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace downwardfs::testing
