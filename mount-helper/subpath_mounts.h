// SPDX-License-Identifier: Apache-2.0
//
// The bind mounts that the kubelet makes of single files of a volume, for containers with a
// subPath: D/pods/UID/volume-subpaths/VOLUME/CONTAINER/INDEX (kubernetes pkg/volume/util/subpath,
// subpath_linux.go). When the volume's file system has died they are dead too, and the kubelet can
// neither use nor replace them: a container that starts again stays in CrashLoopBackOff
// ("transport endpoint is not connected") until they are gone. The mounter's thread; nothing is
// asked of the file systems that are mounted there.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "mount-helper/file_system_set.h"
#include "mount-helper/mount_table.h"

namespace downwardfs {

/// True if the kubelet has bind mounts of files of the volume at `target_path`. Without a
/// `kubelet_dir` there are none.
bool HasSubpaths(const std::string& kubelet_dir, const std::string& target_path);

/// The mounts of `table` that are such bind mounts of the volume at `target_path`, of our type, and
/// of no file system in `served`: nobody has the device of these, so they are dead for good.
std::vector<MountEntry> FindDeadSubpaths(const std::vector<MountEntry>& table,
                                         const std::string& kubelet_dir,
                                         const std::string& target_path,
                                         const FileSystemSet& served);

/// Detaches them, each by its id and device (mount_identity.h), and so no other mount. The first
/// error; the rest is tried all the same. One that has gone meanwhile is no error.
Status DetachSubpaths(const std::vector<MountEntry>& mounts);

}  // namespace downwardfs
