// SPDX-License-Identifier: Apache-2.0
// The daemon of `downwardfs mount` that a holder (mount-helper/holder.h) has started. Main thread.
#pragma once

#include "base/result.h"
#include "cli/command_line.h"

namespace downwardfs {

/// This process was started by a holder.
bool HasHolder();

/// The daemon: mounts with the holder's help, or goes on with a mount that another daemon has
/// served, which it does before it looks at any input.
Result<int> RunHeldMount(const MountOptions& options);

}  // namespace downwardfs
