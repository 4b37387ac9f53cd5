// SPDX-License-Identifier: Apache-2.0
//
// The parts of one mounted volume that must live as long as anybody works on it: its layout, its
// FUSE session, the way to show another version, and the version that waits for its turn.
//
// Owned by its MountedVolume and by every request and task in work, which may end after that. Its
// members are set up by one thread before the session is served; from then on only `pending` and
// `gone` change, and any thread may use them.
#pragma once

#include <sys/eventfd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "fs/fuse/kernel_session.h"
#include "fs/fuse/request_recovery.h"
#include "fs/volume/kubelet_layout.h"
#include "fs/volume/live_layout.h"
#include "fs/volume/tree_caller.h"
#include "fs/volume/volume_options.h"
#include "fs/volume/volume_update.h"
#include "fs/volume/volume_version.h"
#include "fs/volume/writable_view.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/handover_memory.h"

namespace downwardfs {

struct ServedVolume {
  explicit ServedVolume(MountedVolumeOptions opts);

  /// Nothing of it is mounted yet.
  void ShowFirst(VolumeVersionPtr version, std::string resource_version);
  /// With the session there.
  void SetUpUpdates(std::string device, std::shared_ptr<TreeCaller> caller);
  /// Gives the layout the handover memory, or (`resumes`) has it recover from that.
  /// kFailedPrecondition if the memory is damaged.
  Status SetUpRecovery(std::shared_ptr<const HandoverMemory> handed, bool resumes);
  /// Null if the mount has no publisher.
  std::shared_ptr<TreeCaller> MakeCaller(FuseMount& mount) const;
  /// A mount that a holder has made. With the session there.
  void TakeHeld(int id, std::shared_ptr<TreeCaller> caller);
  /// On the lane. Returns the update's rest, which is due after the grace time; empty if it has
  /// none.
  VolumeUpdate::Later ShowPending() EXCLUDES(mutex);
  /// By which the kernel is told that what it has cached is no longer true. With the session there.
  KernelNotifier& notify() const;

  const MountedVolumeOptions options;
  RequestCounters counters;
  SessionContext context;
  std::unique_ptr<KubeletLayout> kubelet;  // of the two, the layout's
  std::unique_ptr<LiveLayout> live;
  VolumeLayout* shown = nullptr;
  // The session and the tree exist once it is mounted; the update uses both.
  std::unique_ptr<KernelSession> session;
  std::unique_ptr<KernelNotifier> notifier;  // null: the session is it
  std::unique_ptr<WritableView> tree;
  std::unique_ptr<VolumeUpdate> update;
  int mount_id = -1;
  std::shared_ptr<TreeCaller> remote;  // null: the calls are our own, or there are none
  bool held = false;                   // mounted and unmounted by a holder
  std::shared_ptr<const HandoverMemory> memory;
  std::unique_ptr<RequestRecovery> recovery;
  std::string file_system;
  // It is mounted no longer, and the view does not keep its numbers from being used again: what is
  // at the mount point, even with these, is another's.
  std::atomic<bool> gone{false};
  OwnedFd ended{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};

  struct Pending {
    VolumeVersionPtr version;
    std::string resource_version;
  };
  Mutex mutex;  // lock order: before the layout's (SetResourceVersion)
  std::optional<Pending> pending GUARDED_BY(mutex);

 private:
  // The one that is asked for, unless it is there.
  void MakeLayout(std::chrono::system_clock::time_point now);
};

}  // namespace downwardfs
