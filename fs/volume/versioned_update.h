// SPDX-License-Identifier: Apache-2.0
//
// Shows a new version in the kubelet's layout, with the events that the kubelet's own update raises
// (kubernetes pkg/volume/util/atomic_writer.go):
//
//     CREATE,ISDIR and ATTRIB,ISDIR of the new data directory, CREATE ..data_tmp,
//     MOVED_FROM ..data_tmp, MOVED_TO ..data, DELETE,ISDIR of the old data directory;
//     who watches a file gets ATTRIB and DELETE_SELF, a directory DELETE and DELETE_SELF
//
// One thing is later than the kubelet's: the old directory goes after two seconds, and until then
// it resolves, so that a reader that has just followed `..data` never gets ENOENT. Who holds it may
// go on reading for as long as it likes.
//
// Where the tree cannot be changed through the kernel, the names are invalidated instead: readers
// see the change, watchers get no event. Used on the volume's lane only.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "fs/fuse/kernel_notifier.h"
#include "fs/fuse/own_tree.h"
#include "fs/volume/versioned_nodes.h"
#include "fs/volume/volume_update.h"

namespace downwardfs {

class VersionedUpdate final : public VolumeUpdate {
 public:
  static constexpr std::chrono::seconds kGraceTime{2};

  /// All outlive it. The nodes show a first version already.
  VersionedUpdate(VersionedNodes& nodes, OwnTree& tree, KernelNotifier& notifier)
      : nodes_(nodes), tree_(tree), notifier_(notifier) {}

  std::function<void()> Show(VolumeVersionPtr version, std::string resource_version) override;
  std::function<void()> Resume() override;
  std::uint64_t without_events() const override { return without_events_; }

 private:
  Status MakeLinks(OwnTree::Session& tree, const VersionedNodes::Flip& flip);
  void UnlinkFiles(OwnTree::Session& tree, NodeId version);
  Status ShowThroughKernel(const VersionedNodes::Flip& flip);
  void ShowByNotification(const VersionedNodes::Flip& flip);
  void Retire(NodeId version, const std::string& data_dir);

  VersionedNodes& nodes_;
  OwnTree& tree_;
  KernelNotifier& notifier_;
  std::atomic<std::uint64_t> without_events_{0};
};

}  // namespace downwardfs
