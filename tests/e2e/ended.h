// SPDX-License-Identifier: Apache-2.0
// Whether a process has ended, for the tests that kill some. Any thread.
#pragma once

#include <cerrno>
#include <csignal>
#include <string>

#include "base/file.h"

namespace downwardfs::testing {

/// Also true of a zombie, which nobody may reap.
inline bool HasEnded(int pid) {
  if (kill(pid, 0) != 0 && errno == ESRCH) return true;
  // A process that ends between open(2) and read(2) is told of by ESRCH.
  const std::string text = ReadFile("/proc/" + std::to_string(pid) + "/status").value_or("");
  return text.empty() || text.find("State:\tZ") != std::string::npos;
}

}  // namespace downwardfs::testing
