// SPDX-License-Identifier: Apache-2.0
// The state of a child, as the kernel knows it (proc_pid_stat(5)). A child that is not reaped keeps
// its number, so what is read is the child's. Any thread.
#pragma once

#include <sys/types.h>

namespace downwardfs {

enum class ProcessState {
  kUnknown,  ///< there is no such process, or no /proc
  kAlive,
  kStopped,  ///< by SIGSTOP and its like, or by a debugger
  kEnded,    ///< its main thread has; other threads may be left
};

ProcessState StateOf(pid_t pid);

}  // namespace downwardfs
