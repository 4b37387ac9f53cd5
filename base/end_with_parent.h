// SPDX-License-Identifier: Apache-2.0
// A child whose work is for its parent alone ends with it. Called in the child, right after fork(2)
// and before it has other threads. Header only: the holder links little.
#pragma once

#include <sys/prctl.h>
#include <unistd.h>

namespace downwardfs {

/// Sends this process `signal` when the parent dies (PR_SET_PDEATHSIG, prctl(2)). If it has died
/// since the fork, ends this process at once with the status `code`. `parent`: its getpid() from
/// before the fork. A change of credentials takes the signal back.
inline void EndWithParent(pid_t parent, int signal, int code) {
  prctl(PR_SET_PDEATHSIG, signal);
  if (getppid() != parent) _exit(code);
}

}  // namespace downwardfs
