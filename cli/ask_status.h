// SPDX-License-Identifier: Apache-2.0
// Asks a mount's daemon how it is, through an extended attribute of the mount's root, so that it
// works from any mount namespace and needs no socket. Main thread; forks.
#pragma once

#include <string>

#include "base/result.h"

namespace downwardfs {

/// The JSON that the daemon answers. kInvalidArgument where it is no downwardfs mount,
/// kUnavailable where its daemon is gone, kDeadlineExceeded after five seconds.
Result<std::string> AskStatus(const std::string& mount_point);

}  // namespace downwardfs
