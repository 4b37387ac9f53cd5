// SPDX-License-Identifier: Apache-2.0
// How a volume of either layout comes to show another version. Used on the volume's lane only;
// without_events() by any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "fs/tree/volume_version.h"

namespace downwardfs {

class VolumeUpdate {
 public:
  virtual ~VolumeUpdate() = default;

  /// Shows the version. Returns what is left to do after the grace time, if anything.
  virtual std::function<void()> Show(VolumeVersionPtr version, std::string resource_version) = 0;

  /// Finishes what the daemon before us has begun. Returns what is left to do after the grace time,
  /// if anything.
  virtual std::function<void()> Resume() = 0;

  /// Versions that were shown without events for those who watch.
  virtual std::uint64_t without_events() const = 0;
};

}  // namespace downwardfs
