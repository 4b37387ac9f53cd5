// SPDX-License-Identifier: Apache-2.0
//
// The JSON that ..status in the cluster tree holds and that `downwardfs status` shows of its mount.
// Made by main; Json() is called on the threads that serve requests, so it takes short locks only
// and never touches the mount.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "fs/cluster/cluster_tree.h"
#include "fs/cluster/mounted_tree.h"
#include "sources/cluster_source.h"

namespace downwardfs {

class ClusterStatus {
 public:
  /// `source` outlives it. `namespaces`: those asked for; none: all.
  ClusterStatus(std::string mount_point, const ClusterSource& source,
                std::vector<std::string> namespaces);

  /// From now on (or, with null, no longer) their figures are shown.
  void Attach(const ClusterTree* tree, const MountedTree* mount) EXCLUDES(mutex_);

  std::string Json() const EXCLUDES(mutex_);

 private:
  const std::string mount_point_;
  const ClusterSource& source_;
  const std::vector<std::string> namespaces_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  mutable Mutex mutex_;
  const ClusterTree* tree_ GUARDED_BY(mutex_) = nullptr;
  const MountedTree* mount_ GUARDED_BY(mutex_) = nullptr;
};

}  // namespace downwardfs
