// SPDX-License-Identifier: Apache-2.0
// The parts of `downwardfs mount`, with a holder or without. Main thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/daemonize.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "cli/command_line.h"
#include "cli/inputs.h"
#include "fs/volume/data_dir_name.h"
#include "fs/volume/mount_status.h"
#include "fs/volume/mounted_volume.h"
#include "fs/volume/volume_updater.h"
#include "mount-helper/mount_point.h"

namespace downwardfs {

/// Serves in the process that stays: the child of a fork whose parent waits until the mount is
/// ready or has failed, or with -f the only process. Stop signals are blocked there.
Result<int> ServeInBackground(const MountOptions& options,
                              const std::function<Result<int>(ReadinessPipe)>& serve);

/// A mount without a holder, before its inputs are known.
struct SingleMount {
  MountPoint place;
  OwnedFd signals;  ///< a signalfd of the stop signals
};

/// Confines the process, checks that the mount is possible, sets up the log.
Result<SingleMount> BeginSingleMount(const MountOptions& options);

/// Tells systemd and the log that the mount ends; `signal`: the one that ended it, or 0. Returns
/// the command's exit status.
Result<int> EndSingleMount(const std::string& mount_point, Result<int> signal);

// Two answer while two others wait for their readers' pages.
inline constexpr int kServingThreads = 4;

/// Fails before anything is mounted where the view cannot be shown at all, or where one of
/// `signals` (a signalfd, which is not read) has ended the waiting for what it needs.
Status CheckView(const Inputs& inputs, int signals);

/// `status` outlives the volume. `held`: by a holder.
MountedVolumeOptions VolumeOptions(const MountOptions& options, const std::string& mount_point,
                                   const MountStatus& status, bool held);
/// The mount's source, as mount(8) shows it.
std::string SourceName(const MountOptions& options, const Inputs& inputs);

/// A volume with all that it needs, in the order in which it is made; it is taken down in reverse.
struct ServedMount {
  std::unique_ptr<SessionLoop> loop;
  LanePool lanes;
  DataDirNamer namer{Clock::Real()};
  std::unique_ptr<MountedVolume> volume;
  std::unique_ptr<VolumeUpdater> updater;
};

/// Mounts a first version.
using Mounter = std::function<Result<std::unique_ptr<MountedVolume>>(VolumeVersionPtr version,
                                                                     std::string resource_version)>;

/// Makes the updater: its first version is mounted by `mount`, unless there is a volume, whose
/// content it then compares with; later ones are published. `served` and `inputs` outlive it.
Status StartUpdates(ServedMount& served, Inputs& inputs, const Mounter& mount);

/// A line for the caller if watchers hear of no change, and one if the kernel lacks a feature of
/// which the mount's users notice.
void SayShortfalls(const MountedVolume& volume);

}  // namespace downwardfs
