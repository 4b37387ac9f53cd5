// SPDX-License-Identifier: Apache-2.0
// The check of the place of a mount, with the words for a place that is taken by one of ours.
// Called by whoever is about to mount, before any thread exists.
#pragma once

#include <string>

#include "base/result.h"
#include "mount-helper/mount_point.h"

namespace downwardfs {

/// OpenMountPoint() (mount-helper/mount_point.h). If a downwardfs mount is in the way, the error
/// says whether its daemon is gone, and what to do; asking takes 5 s if it hangs.
Result<MountPoint> FreeMountPoint(const std::string& path, bool over_mounts);

/// After a start that was killed: unmounts the mount that has come to lie on `place` since, if its
/// daemon is dead or has lost its holder. The command has failed, so nothing of it stays.
void RemoveLostMount(const MountPoint& place);

}  // namespace downwardfs
