// SPDX-License-Identifier: Apache-2.0
// The user that the daemon of root's mount must be to read its inputs. Without a capability uid 0
// cannot enter a home of mode 0700; the owner of that home can. So the daemon becomes that user, if
// this user may read all inputs: it learns nothing then that the user could not read, and nobody
// opens files on its behalf. Main thread, before any other exists.
#pragma once

#include <optional>

#include "base/owned_fd.h"
#include "base/result.h"
#include "cli/command_line.h"
#include "mount-helper/privileges.h"

namespace downwardfs {

/// The user whom the daemon has to become; nothing if root without capabilities may read all inputs
/// (or if an input is wrong in another way, which the daemon says itself). A child tries each input
/// in the daemon's mount namespace (-1: ours). kPermissionDenied if no owner of an input, or of a
/// directory above one, may read all of them. Paths are absolute.
Result<std::optional<RunAs>> UserOfInputs(const MountOptions& options,
                                          const OwnedFd& daemon_namespace);

}  // namespace downwardfs
