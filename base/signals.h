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

/// A signalfd(2) of `signals`, which does not block.
Result<OwnedFd> OpenSignals(const sigset_t& signals);

/// Takes one signal from it; 0 if no signal is there.
int TakeSignal(int signals);

}  // namespace downwardfs
