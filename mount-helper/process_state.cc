// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/process_state.h"

#include <string>

#include "base/file.h"

namespace downwardfs {

ProcessState StateOf(pid_t pid) {
  const auto text = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return ProcessState::kUnknown;
  // The name before it may have any byte in it.
  const auto name_end = text->rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= text->size()) return ProcessState::kUnknown;
  switch ((*text)[name_end + 2]) {
    case 'T':
    case 't':
      return ProcessState::kStopped;
    case 'Z':
    case 'X':
      return ProcessState::kEnded;
    default:
      return ProcessState::kAlive;
  }
}

}  // namespace downwardfs
