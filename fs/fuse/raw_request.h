// SPDX-License-Identifier: Apache-2.0
// Checks of raw requests that do not come from the kernel but from the handover memory. libfuse
// trusts the kernel: it follows counts and names without looking where the request ends. Pure
// functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace downwardfs {

/// Whether it has all that its operation reads: the header's own length, the fixed part, names with
/// their end, and as many items or bytes as it says.
bool IsWholeRequest(std::string_view request);

/// kFailedPrecondition unless it is a FUSE_INIT of a protocol that this build speaks.
Status CheckInit(std::string_view request);

}  // namespace downwardfs
