// SPDX-License-Identifier: Apache-2.0
//
// The table of FUSE operations, one for every file system: decode, ask the FileSystem, reply
// exactly once (fuse_replies.h). libfuse calls them on the serving threads; no lock is held across
// a reply. Changes are taken from the publisher alone (fs/volume/writable_view.h); everybody else's
// are answered EROFS, by the kernel if the mount is read-only, by us if it is not.
#pragma once

#include <functional>
#include <string>

#include "fs/fuse/file_system.h"
#include "fs/fuse/init_reply.h"
#include "fs/fuse/request_counters.h"
#include "fs/fuse/request_recovery.h"
#include "fs/fuse/status_pages.h"

struct fuse_lowlevel_ops;

namespace downwardfs {

/// The operations work on this; the session's userdata.
struct SessionContext {
  FileSystem* file_system = nullptr;
  RequestCounters* counters = nullptr;
  InitReply init_reply;
  RequestRecovery* recovery = nullptr;  ///< null: nobody could go on with this mount
  bool kernel_caches = true;            ///< the kernel may keep all that it learns
  /// The kernel has offered in INIT never to ask again after ENOSYS: for opens, for opendirs.
  bool no_open = false;
  bool no_opendir = false;
  /// A write was refused whose bytes may be in the kernel's cache: a shared mapping of a mount that
  /// is not read-only. Called on serving threads, must not block.
  std::function<void(InodeId)> refused_write;
  /// The full JSON that `downwardfs status` prints as root; called on serving threads, must not
  /// block.
  std::function<std::string()> status;
  /// Of it, for those who ask for more than fits into one attribute. A pod's questions cannot push
  /// out root's.
  StatusPages full_status_pages;
  StatusPages public_status_pages;
};

inline SessionContext& ContextOf(void* userdata) {
  return *static_cast<SessionContext*>(userdata);
}

/// The extended attributes that a file has, and the root's, which are not listed. The kernel lets
/// nobody read a `trusted.` attribute who has no CAP_SYS_ADMIN outside every user namespace
/// (xattr(7)), before we are asked: so that one has the full status. Both have pages too
/// (status_pages.h).
inline constexpr char kSourceXattr[] = "user.downwardfs.source";
inline constexpr char kResourceVersionXattr[] = "user.downwardfs.resourceVersion";
inline constexpr char kStatusXattr[] = "user.downwardfs.status";
inline constexpr char kFullStatusXattr[] = "trusted.downwardfs.status";

/// For fuse_session_new(); userdata must be a SessionContext*.
const fuse_lowlevel_ops& Operations();

}  // namespace downwardfs
