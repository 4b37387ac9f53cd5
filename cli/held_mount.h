// SPDX-License-Identifier: Apache-2.0
// `downwardfs mount` under a holder (mount-helper/holder.h): the command that starts the holder,
// and the daemon that the holder starts. Main thread.
#pragma once

#include "base/owned_fd.h"
#include "base/result.h"
#include "cli/command_line.h"

namespace downwardfs {

/// This process was started by a holder.
bool HasHolder();

/// Becomes the holder; with --foreground in this process, otherwise in a child, and this process
/// ends when the mount is ready. Returns only where that fails. The daemon is to run in the mount
/// namespace `daemon_namespace`; absent: in this one.
Result<int> LaunchHolder(const MountOptions& options, const OwnedFd& daemon_namespace);

/// The daemon: mounts with the holder's help, or goes on with a mount that another daemon has
/// served, which it does before it looks at any input.
Result<int> RunHeldMount(const MountOptions& options);

}  // namespace downwardfs
