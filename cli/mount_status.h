// SPDX-License-Identifier: Apache-2.0
//
// The JSON that `downwardfs status` shows of a mount. Made by main; Json() is called on the threads
// that serve requests, so it takes short locks only and never touches the mount.
#pragma once

#include <chrono>
#include <string>

#include "base/mutex.h"
#include "cli/inputs.h"
#include "fs/fuse/mounted_volume.h"
#include "fs/tree/volume_updater.h"

namespace downwardfs {

class MountStatus {
 public:
  /// `inputs` outlives the status.
  MountStatus(const Inputs& inputs, std::string mount_point);

  /// From now on (or, with null pointers, no longer) the volume's and updater's figures are shown.
  void Attach(const MountedVolume* volume, const VolumeUpdater* updater) EXCLUDES(mutex_);

  std::string Json() const EXCLUDES(mutex_);

 private:
  const Inputs& inputs_;
  const std::string mount_point_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  mutable Mutex mutex_;
  const MountedVolume* volume_ GUARDED_BY(mutex_) = nullptr;
  const VolumeUpdater* updater_ GUARDED_BY(mutex_) = nullptr;
};

}  // namespace downwardfs
