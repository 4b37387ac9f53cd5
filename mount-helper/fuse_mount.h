// SPDX-License-Identifier: Apache-2.0
// Mounts FUSE as root, so that readers get a read-only mount while we keep a writable view of the
// same tree: changes made through the view raise inotify events for those who watch the mount.
//
// The superblock is writable; the public mount carries ro,nosuid,nodev,noexec from the moment it
// is attached; the view is a detached clone of it without ro (open_tree(2), mount_setattr(2)), seen
// in no mount table. Without mount_setattr(2) (before Linux 5.12, or refused by a filter) the mount
// is attached writable, cloned, and made read-only by mount(2). The view keeps the file system
// alive, so whoever owns it lets it go when the public mount is gone (mount_watch.h). One owner; no
// method sends a request to the file system.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

struct FuseMountOptions {
  std::string mount_point;  ///< an absolute path without symlinks
  int directory = -1;       ///< that directory, held open, is mounted on; -1: the path's
  /// Refuse (kAlreadyExists) if another mount has come to lie on the directory since it was opened.
  /// Costs a look at the mount table.
  bool uncovered = true;
  std::string source;           ///< as /proc/self/mountinfo shows it, cut after 255 bytes
  bool allow_other = false;     ///< let users other than root read
  std::string selinux_context;  ///< the mount option context=; empty: none
};

/// A mount and its descriptors, in whichever of our processes: a part that a process does not have
/// is empty. Nothing happens to the mount when this is destroyed: it outlives the process that made
/// it.
struct FuseMount {
  std::string id;           ///< the volume_id of the node plugin's; empty: of `downwardfs mount`
  std::string path;         ///< its public mount point, now or later
  std::string file_system;  ///< "0:45": nobody else's while the view or another mount of it exists
  /// Id of the public mount in this mount namespace (proc_pid_mountinfo(5)). The kernel uses an id
  /// again for a later mount, so it names a mount only together with file_system.
  int mount_id = -1;
  bool mounted = false;  ///< publicly
  OwnedFd device;        ///< /dev/fuse, the session's
  OwnedFd view;    ///< a directory fd (O_PATH) of the writable view's root; absent where the kernel
                   ///< cannot make one, or this process may not: changes raise no events then
  OwnedFd memory;  ///< a daemon's handover to the next one (handover_memory.h)
  OwnedFd publisher;                  ///< a connection to the process that makes changes
  std::vector<std::uint64_t> poison;  ///< requests that are answered EIO: daemons have died of them
};

/// For people, if a mount has no view.
inline constexpr char kNoEvents[] =
    "changes raise no inotify events: the kernel gives no writable view of the mount (it refuses "
    "mount_setattr(2), which Linux 5.12 has, and mount(2) in its place); readers see each change, "
    "watchers must poll";

/// The same mount again, with descriptors of its own. Fails if there are no more descriptors.
Result<FuseMount> CopyOf(const FuseMount& mount);

/// A copy of a descriptor, closed at exec; absent if `fd` is.
OwnedFd Duplicate(const OwnedFd& fd);

/// Mounts; the result has path, file_system, mount_id, device and view. Nothing is left behind
/// if it fails; the error names the step, and the kernel's own words if it has some.
/// kPermissionDenied without CAP_SYS_ADMIN.
Result<FuseMount> MountFuse(const FuseMountOptions& options);

}  // namespace downwardfs
