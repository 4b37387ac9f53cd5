// SPDX-License-Identifier: Apache-2.0
//
// SIGTERM, SIGINT and SIGHUP as something to poll. Blocked by the main thread before any other
// starts.
#pragma once

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

/// From now on they wait to be read.
void BlockStopSignals();

/// A signalfd of them.
Result<OwnedFd> OpenStopSignals();

}  // namespace downwardfs
