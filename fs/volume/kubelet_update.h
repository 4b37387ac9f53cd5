// SPDX-License-Identifier: Apache-2.0
//
// Shows a new version in the kubelet's layout, with the events that the kubelet's own update raises
// (kubernetes pkg/volume/util/atomic_writer.go):
//
//     CREATE,ISDIR and ATTRIB,ISDIR of the new data directory, CREATE ..data_tmp,
//     MOVED_FROM ..data_tmp, MOVED_TO ..data, DELETE,ISDIR of the old data directory;
//     watchers of a file get ATTRIB and DELETE_SELF, of a directory DELETE and DELETE_SELF
//
// Before the old directory goes, it resolves for a moment more, the grace time, so that a reader
// that has just followed `..data` does not get ENOENT. A reader that is later still walks again
// (FileSystem::LeadsElsewhere). A program that holds the directory goes on reading for as long as
// it likes.
//
// If the tree cannot be changed through the kernel, the names are invalidated instead: readers see
// the change, watchers get no event. Used on the volume's lane only.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "fs/fuse/kernel_notifier.h"
#include "fs/volume/kubelet_layout.h"
#include "fs/volume/volume_update.h"
#include "fs/volume/writable_view.h"

namespace downwardfs {

class KubeletUpdate final : public VolumeUpdate {
 public:
  /// Short enough that the removal is of one burst with the change for those who gather events,
  /// and long enough that hardly any walk is still on its way.
  static constexpr std::chrono::milliseconds kGraceTime{10};
  /// Changes that follow each other within kQuickly: many walks wait for the root's lock then. The
  /// old directories go together when it has been quiet for this time, so that the removals are of
  /// one burst with the last change.
  static constexpr std::chrono::milliseconds kQuietTime{30};
  static constexpr std::chrono::milliseconds kQuickly{100};
  /// If it does not become quiet, each goes after this time. And after Resume(): readers have
  /// waited for a daemon.
  static constexpr std::chrono::milliseconds kLongGraceTime{2000};

  /// All outlive it. The layout shows a first version already.
  KubeletUpdate(KubeletLayout& layout, WritableView& tree, KernelNotifier& notifier)
      : layout_(layout), tree_(tree), notifier_(notifier) {}

  Later Show(VolumeVersionPtr version, std::string resource_version) override;
  Later Resume() override;
  std::function<void()> TakeSecondLook() override;
  std::uint64_t without_events() const override { return without_events_; }

 private:
  Status MakeLinks(WritableView::Session& tree, const KubeletLayout::Flip& flip);
  void UnlinkFiles(WritableView::Session& tree, InodeId version);
  Status ShowThroughKernel(const KubeletLayout::Flip& flip);
  void ShowByNotification(const KubeletLayout::Flip& flip);
  Later RetireNext();
  Later RetireDue();
  void Retire(InodeId version, const std::string& data_dir);
  void TellWatchers(WritableView::Session& tree, InodeId version);

  KubeletLayout& layout_;
  WritableView& tree_;
  KernelNotifier& notifier_;
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Retired {
    InodeId version = 0;
    std::string data_dir;
    SteadyTime since;
  };
  std::deque<Retired> retired_;  // that wait for their removal, the oldest first
  SteadyTime last_change_;
  std::chrono::milliseconds quiet_{kGraceTime};  // to wait for after the last change
  std::vector<InodeId> removed_;                 // since the last TakeSecondLook()
  std::atomic<std::uint64_t> without_events_{0};
};

}  // namespace downwardfs
