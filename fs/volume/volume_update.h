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

  /// Shows the version. Returns what is left to do after the grace time, if anything.
  virtual std::function<void()> Show(VolumeVersionPtr version, std::string resource_version) = 0;

  /// Finishes what the daemon before us has begun. Returns what is left to do after the grace time,
  /// if anything.
  virtual std::function<void()> Resume() = 0;

  /// How long that is after the last Show().
  virtual std::chrono::milliseconds grace_time() const { return std::chrono::milliseconds(0); }

  /// Does once more, kSecondLook after the grace time, what may have come too late. By default
  /// nothing. Asked when what was left has been done.
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
