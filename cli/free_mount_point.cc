// SPDX-License-Identifier: Apache-2.0
#include "cli/free_mount_point.h"

#include <utility>

#include "cli/ask_status.h"

namespace downwardfs {

Result<MountPoint> FreeMountPoint(const std::string& path, bool over_mounts) {
  auto checked = OpenMountPoint(path, over_mounts);
  if (checked || checked.error().code != ErrorCode::kAlreadyExists) return checked;
  // stat(2) of a mount whose daemon is gone is answered from the kernel's caches for a year.
  const auto status = AskStatus(path);
  Error error = std::move(checked.error());
  if (status) {
    error.message +=
        "; `downwardfs status " + path + "` shows it, `downwardfs umount " + path + "` ends it";
  } else if (status.error().code == ErrorCode::kUnavailable) {
    error.message = "mount point " + path +
                    ": busy with a mount whose daemon is gone; `downwardfs umount " + path +
                    "` (--lazy where it is in use) unmounts it";
  } else if (status.error().code == ErrorCode::kDeadlineExceeded) {
    error.message +=
        ", and its daemon does not answer; `downwardfs umount --lazy " + path + "` unmounts it";
  }
  return Fail(std::move(error));
}

}  // namespace downwardfs
