// SPDX-License-Identifier: Apache-2.0
// Says when mounts of this mount namespace have gone. One owner, one thread; no file system is
// asked anything (proc_pid_mountinfo(5): the file polls POLLPRI when the table changes).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/mount_table.h"

namespace downwardfs {

class MountWatch {
 public:
  static Result<MountWatch> Open();

  /// Poll it for POLLPRI: the table has changed since the last call of IsMounted().
  int fd() const { return table_.get(); }

  /// True if the mount is in the table: this id, of this file system (fuse_mount.h); also if the
  /// table cannot be read.
  bool IsMounted(int mount_id, const std::string& file_system);
  /// Its path, if umount(2) of that path would find this mount and no other (mount_table.h).
  std::optional<std::string> PathOf(int mount_id, const std::string& file_system);
  /// The whole table; nothing if it cannot be read.
  std::optional<std::vector<MountEntry>> Read();

 private:
  explicit MountWatch(OwnedFd table) : table_(std::move(table)) {}
  OwnedFd table_;
};

}  // namespace downwardfs
