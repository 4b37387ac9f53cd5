// SPDX-License-Identifier: Apache-2.0
// Waiting for the end of a child that may hang in the kernel, where not even SIGKILL ends it.
// Any thread.
#pragma once

#include <poll.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <chrono>

namespace downwardfs {

/// Reaps the child; false where it has not ended within `patience`.
inline bool ReapWithin(pid_t pid, std::chrono::milliseconds patience, int* status = nullptr) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (waitpid(pid, status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    poll(nullptr, 0, 5);
  }
  return true;
}

}  // namespace downwardfs
