// SPDX-License-Identifier: Apache-2.0
// The command that starts a holder (mount-helper/holder.h): it checks the mount point, finds out
// who reads the inputs, resolves the paths that later daemons use, and becomes the holder. Main
// thread, before any other exists.
#pragma once

#include "base/owned_fd.h"
#include "base/result.h"
#include "cli/command_line.h"

namespace downwardfs {

/// Becomes the holder; with --foreground in this process, otherwise in a child, and this process
/// ends when the mount is ready. Returns only where that fails. The daemon is to run in the mount
/// namespace `daemon_namespace`; absent: in this one.
Result<int> LaunchHolder(const MountOptions& options, const OwnedFd& daemon_namespace);

}  // namespace downwardfs
