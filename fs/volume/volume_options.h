// SPDX-License-Identifier: Apache-2.0
//
// How a volume is to be mounted: values that its owner fills in before the mount, and that nobody
// changes afterwards.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "fs/fuse/request_counters.h"
#include "fs/volume/tree_caller.h"
#include "fs/volume/volume_layout.h"
#include "mount-helper/fuse_mount.h"

namespace downwardfs {

enum class Layout {
  kKubelet,  ///< `..data`, links and versions: the kubelet's
  kLive,     ///< regular files that change in place
};

/// An ordinary user's mount needs user_allow_other in fuse.conf for allow_other, and has no
/// SELinux context.
struct MountedVolumeOptions : FuseMountOptions {
  Layout layout = Layout::kKubelet;
  std::string lane_owner;  ///< its changes use this owner's budget (LanePool::NewLane)
  Ownership ownership;
  /// Off: the kernel asks at every access. For measuring what its caches are worth (tests/bench).
  bool kernel_caches = true;
  /// JSON for `downwardfs status`; called on serving threads, must not block.
  std::function<std::string()> status;
  /// Counts the requests too, beside those of other volumes; it outlives the volume. May be null.
  RequestCounters* all_requests = nullptr;
  /// Under a holder: whether the kernel sends unanswered requests again (Linux 6.9).
  bool resend = true;
  /// Under a holder: makes the calls that change the tree. Empty: over the mount's connection to
  /// its publisher, and by notification if the mount has no publisher.
  std::function<std::shared_ptr<TreeCaller>(FuseMount& mount)> make_caller;
};

}  // namespace downwardfs
