// SPDX-License-Identifier: Apache-2.0
// Giving up what a process does not need. For a process with one thread, before it does any work.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "base/result.h"

namespace downwardfs {

/// A user and its only group.
struct RunAs {
  uid_t uid = 0;
  gid_t gid = 0;
};
/// "UID:GID", two decimal numbers. Nothing for any other text, and for 4294967295, which the system
/// calls take for "no change": a process that should become nobody would stay root.
std::optional<RunAs> ParseRunAs(std::string_view text);
/// Becomes that user for good.
Status BecomeUser(const RunAs& who);

/// No capability now or ever again: all sets are emptied (bounding and ambient too), uid 0 gives
/// none at exec (SECBIT_NOROOT), and no_new_privs is set. capabilities(7), prctl(2).
Status DropAllCapabilities();
/// The same but for this capability (CAP_...), which stays if the process has it.
Status DropCapabilitiesBut(int capability);

}  // namespace downwardfs
