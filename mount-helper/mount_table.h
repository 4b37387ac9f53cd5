// SPDX-License-Identifier: Apache-2.0
// /proc/self/mountinfo, parsed from text (proc(5)). Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace downwardfs {

/// One line of mountinfo, the fields that we use.
struct MountEntry {
  int id = 0;
  int parent = 0;           ///< the mount that it is on
  std::string device;       ///< "0:45"
  std::string mount_point;  ///< octal escapes decoded
  std::string options;      ///< of the mount: "ro,nosuid"
  std::string fs_type;      ///< "fuse.downwardfs"
  std::string source;
  std::string super_options;  ///< of the file system: "rw,user_id=0,group_id=0"
};

/// All lines, in their order, which does not say what lies on what: a mount may be moved over a
/// newer one, or put beneath one. Lines that do not have the form are left out.
std::vector<MountEntry> ParseMountInfo(std::string_view text);

/// The mount at exactly `path` that no other one covers; nothing if `path` is no mount point.
std::optional<MountEntry> TopMount(const std::vector<MountEntry>& table, const std::string& path);

/// The mount on top at exactly `path` (absolute, without symlinks), in this process's mount
/// namespace; nothing if it is no mount point.
Result<std::optional<MountEntry>> FindMount(const std::string& path);

/// The present path of that mount, which may have been moved. Nothing if it is mounted no longer,
/// or if another mount covers it, which umount(2) of the path would find instead.
std::optional<std::string> UncoveredPath(const std::vector<MountEntry>& table, int mount_id,
                                         const std::string& device);

/// True for the file system type of our mounts.
bool IsDownwardfs(const MountEntry& entry);

}  // namespace downwardfs
