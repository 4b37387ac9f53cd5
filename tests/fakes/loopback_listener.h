// SPDX-License-Identifier: Apache-2.0
// A TCP listener on 127.0.0.1 for the servers of tests.
#pragma once

#include "base/owned_fd.h"

namespace downwardfs::testing {

/// Listens on `port`, or on a free one if it is 0, which is then written there. Aborts if it
/// cannot.
OwnedFd ListenOnLoopback(int* port);

/// The next connection to `listener`, which sends small answers at once; none once `stop` is
/// readable.
OwnedFd NextConnection(const OwnedFd& listener, int stop);

}  // namespace downwardfs::testing
