// SPDX-License-Identifier: Apache-2.0
#include "cli/stop_signals.h"

#include <pthread.h>

#include "base/signals.h"

namespace downwardfs {

void BlockStopSignals() {
  const sigset_t stop = StopSignalSet();
  pthread_sigmask(SIG_SETMASK, &stop, nullptr);
}

StopAtOnce::StopAtOnce() {
  const sigset_t stop = StopSignalSet();
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
}

Result<OwnedFd> OpenStopSignals() {
  return OpenSignals(StopSignalSet());
}

}  // namespace downwardfs
