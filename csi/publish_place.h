// SPDX-License-Identifier: Apache-2.0
// Inside VolumeManager only: the place that a publish under way has taken.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "csi/volume_manager.h"

namespace downwardfs {

/// How much of a path an error says: all of it (PATH_MAX).
inline constexpr std::size_t kWholePath = 4096;

/// A publish that is under way counts as published until it has come to an end; TakePlace() has
/// taken the place.
class VolumeManager::Place {
 public:
  Place(VolumeManager& manager, std::string id) : manager_(manager), id_(std::move(id)) {}
  ~Place() {
    MutexLock lock(manager_.mutex_);
    manager_.places_.erase(id_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  VolumeManager& manager_;
  const std::string id_;
};

}  // namespace downwardfs
