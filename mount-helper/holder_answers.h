// SPDX-License-Identifier: Apache-2.0
//
// The content of a Done (holder_protocol.h). It carries no kind of its own: the serial says which
// request it answers, and the peer that asked takes out what it asked for. So a supervisor passes
// answers on without a look. Pure functions; any thread.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "mount-helper/holder_protocol.h"

namespace downwardfs {

/// The answer to a request: what was asked for, or why that is not to be had.
message::Done DoneWith(std::uint64_t serial, Status status);
message::Done DoneWith(std::uint64_t serial, Result<FuseMount> mount);
message::Done DoneWith(std::uint64_t serial, Result<OwnedFd> connection);
message::Done DoneWith(std::uint64_t serial, Result<bool> yes);

/// The status in a Done: the error, or kInternal where it lacks what was asked for.
Status StatusIn(message::Done done);
/// Its file_system, device, and view if there is one; the descriptors are copies.
Result<FuseMount> MountIn(const message::Done& done);
Result<OwnedFd> ConnectionIn(message::Done done);
Result<bool> YesIn(message::Done done);

}  // namespace downwardfs
