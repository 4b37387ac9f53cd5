// SPDX-License-Identifier: Apache-2.0
// The checks before a mount, so that one line says what is in the way before anything
// has happened. Any thread.
#pragma once

#include <string>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

/// A directory to mount on. The path is walked once, and the directory is held open from then on:
/// the owner of a directory above it may put a symlink in its place while we wait for a server, and
/// the mount still lands on the directory that was checked.
struct MountPoint {
  OwnedFd directory;  ///< O_PATH
  std::string path;   ///< absolute, without symlinks, as it was at that time
};

/// Opens the directory `path`, if something can be mounted there: it exists (kNotFound), is a
/// directory (kInvalidArgument), is not busy with another mount (kAlreadyExists, unless
/// `over_mounts`) and, for an ordinary user, is writable (fusermount3's rule). A trigger of
/// autofs(5) or of a systemd .automount unit is free, and is not set off: who set it off waits for
/// our mount.
Result<MountPoint> OpenMountPoint(const std::string& path, bool over_mounts = false);

/// Checks that this process can mount FUSE at all: /dev/fuse is there and may be opened, and an
/// ordinary user has fusermount3. kFailedPrecondition otherwise, with what to do.
Status CheckFuseAvailable();

}  // namespace downwardfs
