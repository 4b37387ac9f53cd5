// SPDX-License-Identifier: Apache-2.0
//
// The FUSE operations of a volume: decode, ask the node table, reply exactly once. libfuse calls
// them on the serving threads; no lock is held across a reply. Changes of the tree are taken from
// the publisher alone (own_tree.h); everybody else's are answered EROFS, by the kernel where the
// mount is read-only, by us where it is not.
#pragma once

#include <functional>
#include <string>

#include "fs/fuse/init_reply.h"
#include "fs/fuse/request_counters.h"
#include "fs/fuse/request_recovery.h"
#include "fs/fuse/volume_nodes.h"

struct fuse_lowlevel_ops;

namespace downwardfs {

/// What the operations work on; the session's userdata.
struct VolumeContext {
  /// Another table of operations, whose context begins with this one; null: VolumeOperations().
  const fuse_lowlevel_ops* operations = nullptr;
  VolumeNodes* nodes = nullptr;
  RequestCounters* counters = nullptr;
  InitReply init_reply;
  RequestRecovery* recovery = nullptr;  ///< null: nobody could go on with this mount
  bool kernel_caches = true;            ///< what the kernel learns it may keep
  /// A write was refused whose bytes may be in the kernel's cache: a shared mapping of a mount that
  /// is not read-only. Called on serving threads, must not block.
  std::function<void(NodeId)> refused_write;
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
