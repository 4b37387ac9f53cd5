// SPDX-License-Identifier: Apache-2.0
// `downwardfs mount --cluster` and `--namespace`: the cluster as a tree. Main thread.
#pragma once

#include "base/result.h"
#include "cli/command_line.h"

namespace downwardfs {

/// One process mounts and serves; in the background it forks. There is no holder: nothing is lost
/// with the process but the mount.
Result<int> RunClusterMount(const MountOptions& options);

}  // namespace downwardfs
