// SPDX-License-Identifier: Apache-2.0
//
// The stop signals (base/signals.h) as something to poll. Blocked by the main thread before any
// other starts.
#pragma once

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

/// From now on they wait to be read.
void BlockStopSignals();

/// While it exists a stop signal ends the process at once, as without BlockStopSignals(): reading a
/// FIFO may take for ever. For a process that has nothing to clean up yet; main thread.
class StopAtOnce {
 public:
  StopAtOnce();
  ~StopAtOnce() { BlockStopSignals(); }
  StopAtOnce(const StopAtOnce&) = delete;
  StopAtOnce& operator=(const StopAtOnce&) = delete;
};

/// A signalfd of them.
Result<OwnedFd> OpenStopSignals();

}  // namespace downwardfs
