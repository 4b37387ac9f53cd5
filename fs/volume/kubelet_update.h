// SPDX-License-Identifier: Apache-2.0
//
// Shows a new version in the kubelet's layout, with the events that the kubelet's own update raises
// (kubernetes pkg/volume/util/atomic_writer.go):
//
//     CREATE,ISDIR and ATTRIB,ISDIR of the new data directory, CREATE ..data_tmp,
//     MOVED_FROM ..data_tmp, MOVED_TO ..data, DELETE,ISDIR of the old data directory;
//     watchers of a file get ATTRIB and DELETE_SELF, of a directory DELETE and DELETE_SELF
//
// One thing is later than the kubelet's: the old directory goes after two seconds, and until then
// it resolves, so that a reader that has just followed `..data` never gets ENOENT. A program that
// holds the directory goes on reading for as long as it likes.
//
// If the tree cannot be changed through the kernel, the names are invalidated instead: readers see
// the change, watchers get no event. Used on the volume's lane only.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "fs/fuse/kernel_notifier.h"
#include "fs/volume/kubelet_layout.h"
#include "fs/volume/volume_update.h"
#include "fs/volume/writable_view.h"

namespace downwardfs {

class KubeletUpdate final : public VolumeUpdate {
 public:
  static constexpr std::chrono::seconds kGraceTime{2};

  /// All outlive it. The layout shows a first version already.
  KubeletUpdate(KubeletLayout& layout, WritableView& tree, KernelNotifier& notifier)
      : layout_(layout), tree_(tree), notifier_(notifier) {}

  std::function<void()> Show(VolumeVersionPtr version, std::string resource_version) override;
  std::function<void()> Resume() override;
  std::uint64_t without_events() const override { return without_events_; }

 private:
  Status MakeLinks(WritableView::Session& tree, const KubeletLayout::Flip& flip);
  void UnlinkFiles(WritableView::Session& tree, InodeId version);
  Status ShowThroughKernel(const KubeletLayout::Flip& flip);
  void ShowByNotification(const KubeletLayout::Flip& flip);
  void Retire(InodeId version, const std::string& data_dir);

  KubeletLayout& layout_;
  WritableView& tree_;
  KernelNotifier& notifier_;
  std::atomic<std::uint64_t> without_events_{0};
};

}  // namespace downwardfs
