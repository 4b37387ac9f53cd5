// SPDX-License-Identifier: Apache-2.0
// Whether a process has ended, for the tests that kill some. Any thread.
#pragma once

#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

namespace downwardfs::testing {

/// Also true of a zombie, which nobody may reap.
inline bool HasEnded(int pid) {
  if (kill(pid, 0) != 0 && errno == ESRCH) return true;
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  const std::string text{std::istreambuf_iterator<char>(status), {}};
  return text.empty() || text.find("State:\tZ") != std::string::npos;
}

}  // namespace downwardfs::testing
