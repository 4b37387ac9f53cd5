// SPDX-License-Identifier: Apache-2.0
//
// The FUSE operations of a volume: decode, ask the node table, reply exactly once. libfuse calls
// them on the serving threads; no lock is held across a reply. What a volume cannot do (write,
// rename, unlink) has no handler: the mount is read-only, so the kernel answers EROFS itself.
#pragma once

#include <functional>
#include <string>

#include "fs/fuse/node_table.h"
#include "fs/fuse/request_counters.h"

struct fuse_lowlevel_ops;

namespace downwardfs {

/// What the operations work on; the session's userdata.
struct VolumeContext {
  NodeTable* nodes = nullptr;
  RequestCounters* counters = nullptr;
  /// The JSON that `downwardfs status` prints; called on serving threads, must not block.
  std::function<std::string()> status;
};

/// The extended attributes that a file has, and the root's, which is not listed.
inline constexpr char kSourceXattr[] = "user.downwardfs.source";
inline constexpr char kResourceVersionXattr[] = "user.downwardfs.resourceVersion";
inline constexpr char kStatusXattr[] = "user.downwardfs.status";

/// The table of handlers for fuse_session_new(); userdata must be a VolumeContext*.
const fuse_lowlevel_ops& VolumeOperations();

}  // namespace downwardfs
