// SPDX-License-Identifier: Apache-2.0
// Signals as something to poll. They must be blocked in every thread: the main thread blocks them
// before any other starts.
#pragma once

#include <csignal>
#include <initializer_list>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

sigset_t SignalSet(std::initializer_list<int> signals);

/// SIGTERM, SIGINT and SIGHUP, but for an interrupt or a hang-up that our caller has us ignore:
/// nohup(1), and a shell whose script puts us into the background. Header only: the holder links
/// little.
inline sigset_t StopSignalSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  for (const int signal : {SIGINT, SIGHUP}) {
    struct sigaction now = {};
    if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  return set;
}

/// A signalfd(2) of `signals`, which does not block.
Result<OwnedFd> OpenSignals(const sigset_t& signals);

/// Takes one signal from it; 0 if no signal is there.
int TakeSignal(int signals);

}  // namespace downwardfs
