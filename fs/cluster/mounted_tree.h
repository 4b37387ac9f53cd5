// SPDX-License-Identifier: Apache-2.0
//
// The cluster tree, mounted: one FUSE session, and the lanes on which names are taken back from the
// kernel. A notification waits for its directory's lock, so it never leaves from a thread that
// serves requests; directories are spread over several lanes, so that one which a reader holds
// delays few others (fs/fuse/lane_pool.h).
//
// Nothing is changed through the mount, so there is no writable view of it: as root it is read-only
// from the moment it is attached, and the file system ends with its last user.
// Owned and unmounted by one thread; the figures may be used by any.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "fs/cluster/cluster_tree.h"
#include "fs/fuse/lane_pool.h"
#include "fs/fuse/session_loop.h"
#include "mount-helper/fuse_mount.h"

namespace downwardfs {

struct MountedTreeOptions : FuseMountOptions {
  /// JSON for `downwardfs status`; called on serving threads, must not block.
  std::function<std::string()> status;
};

class MountedTree {
 public:
  /// Mounts the tree and serves it. Nothing is left behind where it fails. All outlive the mount.
  static Result<std::unique_ptr<MountedTree>> Mount(const MountedTreeOptions& options,
                                                    ClusterTree& tree, SessionLoop& loop,
                                                    LanePool& lanes);
  /// Unmount().
  ~MountedTree();

  /// Polls readable once the file system is mounted nowhere any more.
  int ended_fd() const;
  /// Ends the session and unmounts lazily. Programs that still use the file system get
  /// ENOTCONN.
  void Unmount();

  std::map<std::string, std::uint64_t> requests() const;
  /// Taking back a name hangs, because somebody holds a directory of it.
  bool stuck() const;

 private:
  struct State;
  MountedTree(std::shared_ptr<State> state, ClusterTree& tree, SessionLoop& loop);

  const std::shared_ptr<State> state_;  // tasks and requests in work hold it too
  ClusterTree& tree_;
  SessionLoop& loop_;
  std::uint64_t served_ = 0;
  bool unmounted_ = false;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace downwardfs
