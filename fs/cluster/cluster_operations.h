// SPDX-License-Identifier: Apache-2.0
//
// The FUSE operations of the cluster tree: decode, ask the tree, reply exactly once, with no lock
// held. Called on the serving threads. Nothing is written here: whoever tries gets EROFS.
#pragma once

#include "fs/cluster/cluster_tree.h"
#include "fs/cluster/directory_handles.h"
#include "fs/fuse/operations.h"

namespace downwardfs {

/// The session's userdata. The volume's context comes first, for the session and its counters.
struct ClusterContext : VolumeContext {
  ClusterContext(ClusterTree& shown, RequestCounters& counted);

  ClusterTree& tree;
  DirectoryHandles directories;
};

/// The table of handlers; userdata must be a VolumeContext* that is a ClusterContext.
const fuse_lowlevel_ops& ClusterOperations();

}  // namespace downwardfs
