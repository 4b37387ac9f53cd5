// SPDX-License-Identifier: Apache-2.0
// A mount by the path that a person gives, which may lead there through symlinks. Any thread.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "mount-helper/mount_table.h"

namespace downwardfs {

/// The mount at the path, or at the path that it links to, as `mount` takes a link too; nothing if
/// nothing is mounted. The file system that is mounted there is not asked: its daemon may hang.
Result<std::optional<MountEntry>> FindMountAt(std::string path);

}  // namespace downwardfs
