// SPDX-License-Identifier: Apache-2.0
//
// Shows a new version in the live layout. Of each file whose content changes the kernel is told to
// ask for its attributes again, then its time of modification is set, which raises IN_MODIFY for
// all who watch the file, a directory above it, or a bind mount of it. Names that come and go
// raise CREATE and DELETE. Used on the volume's lane only.
#pragma once

#include <atomic>
#include <string>

#include "fs/fuse/kernel_notifier.h"
#include "fs/volume/live_layout.h"
#include "fs/volume/volume_update.h"
#include "fs/volume/writable_view.h"

namespace downwardfs {

class LiveUpdate final : public VolumeUpdate {
 public:
  /// All outlive it. The layout shows a first version already.
  LiveUpdate(LiveLayout& layout, WritableView& tree, KernelNotifier& notifier)
      : layout_(layout), tree_(tree), notifier_(notifier) {}

  Later Show(VolumeVersionPtr version, std::string resource_version) override;
  Later Resume() override;
  std::uint64_t without_events() const override { return without_events_; }

 private:
  Status ShowThroughKernel(const LiveLayout::Difference& difference);
  void ShowByNotification(const LiveLayout::Difference& difference);

  LiveLayout& layout_;
  WritableView& tree_;
  KernelNotifier& notifier_;
  std::atomic<std::uint64_t> without_events_{0};
};

}  // namespace downwardfs
