// SPDX-License-Identifier: Apache-2.0
#include "base/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace downwardfs {

sigset_t SignalSet(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

Result<OwnedFd> OpenSignals(const sigset_t& signals) {
  OwnedFd fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return Fail(ErrnoError(errno, "signalfd"));
  return fd;
}

int TakeSignal(int signals) {
  signalfd_siginfo info = {};
  return read(signals, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace downwardfs
