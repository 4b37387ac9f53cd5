// SPDX-License-Identifier: Apache-2.0
// The checks before a mount, so that one line says what is in the way before anything
// has happened. Any thread.
#pragma once

#include <string>

#include "base/result.h"

namespace downwardfs {

/// The absolute path of the directory `path`, without symlinks, if something can be mounted there:
/// it exists (kNotFound), is a directory (kInvalidArgument), is not busy with another mount
/// (kAlreadyExists) and, for an ordinary user, is writable (fusermount3's rule).
Result<std::string> CheckMountPoint(const std::string& path);

/// Checks that this process can mount FUSE at all: /dev/fuse is there and may be opened, and an
/// ordinary user has fusermount3. kFailedPrecondition otherwise, with what to do.
Status CheckFuseAvailable();

}  // namespace downwardfs
