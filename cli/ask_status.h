// SPDX-License-Identifier: Apache-2.0
// Asks a mount's daemon how it is, through the mount itself, so that it needs no socket. Any file
// system may give such an answer, so the mount is looked up in the mount table first. Main thread;
// forks.
#pragma once

#include <string>

#include "base/result.h"
#include "mount-helper/mount_table.h"

namespace downwardfs {

struct StatusAnswer {
  MountEntry mount;  ///< the mount that was asked
  std::string json;  ///< the daemon's words, which are not proved
};

/// Asks the daemon of the downwardfs mount at `mount_point`. kInvalidArgument if it is no
/// downwardfs mount of this mount namespace, kUnavailable if its daemon is gone, kDeadlineExceeded
/// after five seconds.
Result<StatusAnswer> AskStatus(const std::string& mount_point);

/// Whether somebody serves the mount that `path` is in: a mount point or any file of a mount, also
/// one that is mounted on its own (subPath). The kernel never answers this by itself. Errors as
/// those of AskStatus().
Status AskAlive(const std::string& path);

}  // namespace downwardfs
