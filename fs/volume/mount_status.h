// SPDX-License-Identifier: Apache-2.0
//
// The JSON that `downwardfs status` shows of a mount. Made by the volume's owner; Json() is called
// on the threads that serve requests, so it takes short locks only and never touches the mount.
//
// Lock order: its mutex before those of the source, the updater, the layout, the lanes and the
// counters, which it asks while it is held: so what it shows cannot go away meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/mutex.h"
#include "base/object_source.h"
#include "fs/projection/projector.h"
#include "fs/volume/mounted_volume.h"
#include "fs/volume/volume_updater.h"

namespace downwardfs {

class MountStatus {
 public:
  explicit MountStatus(std::string mount_point);

  /// The figures that a holder gives of itself and the daemons before this one.
  struct Holder {
    int pid = 0;
    std::uint64_t generation = 1;
    std::uint64_t deaths = 0;
    std::uint64_t last_handover_us = 0;
    std::uint64_t longest_handover_us = 0;
  };
  void SetHolder(const Holder& holder) EXCLUDES(mutex_);

  /// From now on this is shown; the source outlives the status, or the next call of Detach().
  void Attach(const ObjectSource& source, const ObjectKey& pod, const VolumeView& view)
      EXCLUDES(mutex_);
  void Detach() EXCLUDES(mutex_);
  /// Names the source that is to come, and why it is not there yet. Empty texts leave what was said
  /// before.
  void SetWaiting(const std::string& source, const std::string& pod, const std::string& why)
      EXCLUDES(mutex_);
  /// While there is no source: the time at which the content was last known to be current. Until
  /// this is called, the time at which this was made.
  void SetCurrentAt(std::chrono::steady_clock::time_point at) EXCLUDES(mutex_);

  /// A fault beside those of the source and the volume, in words; empty: it is over.
  void SetTrouble(std::string trouble) EXCLUDES(mutex_);

  /// How long ago what is shown was last known to be current.
  std::chrono::nanoseconds DataAge() const EXCLUDES(mutex_);

  /// From now on (or, with null pointers, no longer) the volume's and updater's figures are shown.
  void AttachVolume(const MountedVolume* volume, const VolumeUpdater* updater) EXCLUDES(mutex_);

  std::string Json() const EXCLUDES(mutex_);

 private:
  SourceState State() const REQUIRES(mutex_);

  const std::string mount_point_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  mutable Mutex mutex_;
  const ObjectSource* source_ GUARDED_BY(mutex_) = nullptr;
  std::string pod_ GUARDED_BY(mutex_);
  std::string view_ GUARDED_BY(mutex_);
  std::string waiting_source_ GUARDED_BY(mutex_);
  std::string waiting_ GUARDED_BY(mutex_);
  std::string trouble_ GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point current_at_ GUARDED_BY(mutex_) = started_;
  Holder holder_ GUARDED_BY(mutex_);
  const MountedVolume* volume_ GUARDED_BY(mutex_) = nullptr;
  const VolumeUpdater* updater_ GUARDED_BY(mutex_) = nullptr;
};

}  // namespace downwardfs
