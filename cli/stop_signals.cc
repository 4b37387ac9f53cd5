// SPDX-License-Identifier: Apache-2.0
#include "cli/stop_signals.h"

#include <pthread.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>

namespace downwardfs {
namespace {

sigset_t StopSignals() {
  sigset_t stop;
  sigemptyset(&stop);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&stop, signal);
  return stop;
}

}  // namespace

void BlockStopSignals() {
  const sigset_t stop = StopSignals();
  pthread_sigmask(SIG_SETMASK, &stop, nullptr);
}

Result<OwnedFd> OpenStopSignals() {
  const sigset_t stop = StopSignals();
  OwnedFd signals(signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return Fail(ErrnoError(errno, "signalfd"));
  return signals;
}

}  // namespace downwardfs
