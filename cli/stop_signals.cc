// SPDX-License-Identifier: Apache-2.0
#include "cli/stop_signals.h"

#include <pthread.h>

#include "base/signals.h"

namespace downwardfs {
namespace {

sigset_t StopSignals() {
  return SignalSet({SIGTERM, SIGINT, SIGHUP});
}

}  // namespace

void BlockStopSignals() {
  const sigset_t stop = StopSignals();
  pthread_sigmask(SIG_SETMASK, &stop, nullptr);
}

StopAtOnce::StopAtOnce() {
  const sigset_t stop = StopSignals();
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
}

Result<OwnedFd> OpenStopSignals() {
  return OpenSignals(StopSignals());
}

}  // namespace downwardfs
