// SPDX-License-Identifier: Apache-2.0
// How a volume of either layout comes to show another version. Used on the volume's lane only;
// without_events() by any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "fs/fuse/kernel_notifier.h"
#include "fs/volume/volume_layout.h"
#include "fs/volume/volume_version.h"

namespace downwardfs {

class VolumeUpdate {
 public:
  virtual ~VolumeUpdate() = default;

  /// The rest of an update, to be done some time later, if any. The task returns the rest after it.
  struct Later {
    std::chrono::milliseconds after{0};
    std::function<Later()> task;
  };

  /// Shows the version.
  virtual Later Show(VolumeVersionPtr version, std::string resource_version) = 0;

  /// Finishes what the daemon before us has begun.
  virtual Later Resume() = 0;

  /// Does once more, kSecondLook later, what may have come too late. By default nothing. Asked
  /// after each task.
  virtual std::function<void()> TakeSecondLook() { return {}; }
  static constexpr std::chrono::milliseconds kSecondLook{2000};

  /// Versions that were shown without events for those who watch.
  virtual std::uint64_t without_events() const = 0;
};

/// The first step of a Resume(). The publisher may still be in the call that it was last told to
/// make, or a publisher that has died may hang in it. Its request comes to us now and must find the
/// same change armed. A name is invalidated under its directory's lock, which that call has,
/// so this returns when it is over; from then on other changes may be armed. And should the change
/// have been recorded without the kernel's hearing of it, it asks again.
void SettleLastChange(const VolumeLayout& layout, KernelNotifier& notifier);

}  // namespace downwardfs
