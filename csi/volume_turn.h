// SPDX-License-Identifier: Apache-2.0
// Inside VolumeManager only: whose turn it is with a volume.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "csi/volume_manager.h"

namespace downwardfs {

/// One call for a volume at a time.
class VolumeManager::Turn {
 public:
  /// Waits for it; not had where the caller gave up.
  Turn(VolumeManager& manager, std::string id, const Cancelled& cancelled)
      : manager_(manager), id_(std::move(id)) {
    // cancelled() may want the manager's lock.
    while (!cancelled()) {
      MutexLock lock(manager_.mutex_);
      if (manager_.stopping_) return;
      if (manager_.in_work_.insert(id_).second) {
        had_ = true;
        return;
      }
      manager_.changed_.WaitUntil(manager_.mutex_,
                                  std::chrono::steady_clock::now() + kLookForCancel);
    }
  }
  ~Turn() {
    if (!had_) return;
    {
      MutexLock lock(manager_.mutex_);
      manager_.in_work_.erase(id_);
    }
    manager_.changed_.NotifyAll();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  bool had() const { return had_; }

 private:
  static constexpr std::chrono::milliseconds kLookForCancel{100};

  VolumeManager& manager_;
  const std::string id_;
  bool had_ = false;
};

}  // namespace downwardfs
