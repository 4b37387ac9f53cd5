// SPDX-License-Identifier: Apache-2.0
// `downwardfs mount` without a mount point: the current context's cluster at ~/k8s/<context>, after
// asking on the terminal. Main thread, before any other exists.
#pragma once

#include <optional>

#include "base/result.h"
#include "cli/command_line.h"

namespace downwardfs {

/// The options with the mount point that was agreed on, which exists then; nothing if the person
/// said no, or if it is mounted there already (which is said).
Result<std::optional<MountOptions>> AskWhereToMount(MountOptions options);

}  // namespace downwardfs
