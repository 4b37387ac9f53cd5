// SPDX-License-Identifier: Apache-2.0
//
// The JSON that `downwardfs status` shows of a mount. Made by main; Json() is called on the threads
// that serve requests, so it takes short locks only and never touches the mount.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/mutex.h"
#include "cli/inputs.h"
#include "fs/fuse/mounted_volume.h"
#include "fs/tree/volume_updater.h"

namespace downwardfs {

class MountStatus {
 public:
  explicit MountStatus(std::string mount_point);

  /// What a holder says of itself and the daemons before this one.
  struct Holder {
    int pid = 0;
    std::uint64_t generation = 1;
    std::uint64_t deaths = 0;
    std::uint64_t last_handover_us = 0;
    std::uint64_t longest_handover_us = 0;
  };
  void SetHolder(const Holder& holder) EXCLUDES(mutex_);

  /// From now on (or, with null, no longer) these are shown. They outlive the status, or that.
  void Attach(const Inputs* inputs) EXCLUDES(mutex_);
  /// Why there are no inputs yet.
  void SetWaiting(std::string why) EXCLUDES(mutex_);

  /// From now on (or, with null pointers, no longer) the volume's and updater's figures are shown.
  void AttachVolume(const MountedVolume* volume, const VolumeUpdater* updater) EXCLUDES(mutex_);

  std::string Json() const EXCLUDES(mutex_);

 private:
  const std::string mount_point_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  mutable Mutex mutex_;
  const Inputs* inputs_ GUARDED_BY(mutex_) = nullptr;
  std::string waiting_ GUARDED_BY(mutex_);
  Holder holder_ GUARDED_BY(mutex_);
  const MountedVolume* volume_ GUARDED_BY(mutex_) = nullptr;
  const VolumeUpdater* updater_ GUARDED_BY(mutex_) = nullptr;
};

}  // namespace downwardfs
