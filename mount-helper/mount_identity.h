// SPDX-License-Identifier: Apache-2.0
// Mounts by what the kernel says of an open descriptor, never by a path that somebody may change
// between a check and its use. No call sends a request to the file system, whose daemon may hang.
// Any thread.
#pragma once

#include <optional>
#include <string>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/mount_table.h"

namespace downwardfs {

/// The path that leads to an open directory now (proc(5), /proc/PID/fd).
Result<std::string> PathOfDescriptor(int fd);

/// The id of the mount that `fd` is on (proc(5), fdinfo); -1 if the kernel does not say.
int MountIdOf(int fd);

/// The number of an fd's file system ("0:45"); empty if the kernel does not say.
std::string FileSystemOf(int fd);

/// The line of this process's mount table for the mount that `fd` is on; nothing if it is a mount
/// of another mount namespace, or mounted no longer.
Result<std::optional<MountEntry>> MountOf(int fd);

/// The id of the mount on which this mount lies; nothing if it is not mounted here.
std::optional<int> ParentOf(int mount_id);

/// The place of a mount in the directory above its mount point, which is held open.
struct MountedPlace {
  OwnedFd parent;
  std::string name;
};
/// The place of that mount now. The mount there is compared after the directory above was opened;
/// the kernel lets nobody rename a mount point, so it stays the same. kNotFound if it is mounted no
/// longer, kFailedPrecondition if another mount covers it.
Result<MountedPlace> PlaceOfMount(int mount_id, const std::string& device);

/// Unmounts the mount `mount_id` of the file system `device`, wherever it is now, and no other.
/// `flags` are those of umount2(2). Errors as PlaceOfMount(), and kUnavailable if it is in use.
Status RemoveMount(int mount_id, const std::string& device, int flags);

/// The directory at a place from which the mount was removed; absent if none is there any more.
/// A symlink that somebody has put there since is not followed.
OwnedFd OpenDirectoryAt(const MountedPlace& place);

}  // namespace downwardfs
