// SPDX-License-Identifier: Apache-2.0
// A mount namespace of this process's own with a tmpfs in it, so that a thousand mounts bother
// nobody else and all are gone when the process and its children have ended. Called once, before
// any thread; ends the process where it is not allowed.
#pragma once

#include <string>

namespace downwardfs::bench {

/// Returns the path of an empty directory on the tmpfs.
std::string EnterPrivateMounts();

}  // namespace downwardfs::bench
