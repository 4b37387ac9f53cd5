// SPDX-License-Identifier: Apache-2.0
//
// One published volume: its mount (which the holder has made), what its pod may see, and the
// updater between the two. VolumeManager makes it, changes it under the volume's lock and closes
// it; tasks under way hold it too. State() and the figures may be asked by any thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "csi/access_reviewer.h"
#include "csi/content_budget.h"
#include "csi/holder_client.h"
#include "csi/node_objects.h"
#include "csi/plugin_tally.h"
#include "csi/pod_source.h"
#include "csi/publish_request.h"
#include "csi/volume_condition.h"
#include "csi/worker_pool.h"
#include "fs/fuse/lane_pool.h"
#include "fs/fuse/session_loop.h"
#include "fs/volume/data_dir_name.h"
#include "fs/volume/mount_status.h"
#include "fs/volume/mounted_volume.h"
#include "fs/volume/volume_updater.h"

namespace downwardfs {

/// The parts that all volumes of the process share; they outlive them.
struct VolumeParts {
  NodeObjects& objects;
  const AccessReviewer& reviewer;
  HolderClient& holder;
  WorkerPool& workers;
  SessionLoop& loop;
  LanePool& lanes;
  ContentBudget& budget;
  PluginTally& tally;
};

class CsiVolume : public std::enable_shared_from_this<CsiVolume> {
 public:
  /// Mounts it. `pod` is the spec's pod as the server knows it; `replace`: a dead mount of ours may
  /// be in the way. Nothing is left behind where it fails. kPermissionDenied where the pod may not
  /// see what the items ask for.
  static Result<std::shared_ptr<CsiVolume>> Publish(const VolumeParts& parts, PublishSpec spec,
                                                    const ObjectKey& pod, bool replace);
  /// Goes on with one that a daemon before us has served. Its content stays until Follow().
  static Result<std::shared_ptr<CsiVolume>> Resume(const VolumeParts& parts, PublishSpec spec,
                                                   FuseMount handed);
  ~CsiVolume();

  /// Begins to follow the pod. Again and again until it is done.
  Status Follow(const ObjectKey& pod);
  bool follows() const EXCLUDES(mutex_);

  /// A republish: the attributes and the group that have changed are applied, by the rules of a
  /// publish. kAlreadyExists where they cannot be. If it fails, all is as before.
  Status Change(const PublishSpec& spec);

  /// The objects beside the pod of which it shows what the ServiceAccount may read.
  std::vector<ObjectKey> ToReview() const;
  void ApplyReview(const ObjectKey& object, bool allowed);

  /// The public mount is gone.
  void Detach() EXCLUDES(mutex_);
  bool detached() const EXCLUDES(mutex_);
  /// Its file system is mounted nowhere any more, or the kernel has ended its session.
  bool ended() const;
  /// The running containers that have a dead mount of it (dead_mounts.h). True if they are others
  /// than before.
  bool SetDeadIn(const std::vector<std::string>& containers) EXCLUDES(mutex_);
  std::vector<std::string> dead_in() const EXCLUDES(mutex_);

  /// Serves no longer. The holder has unmounted it, or is not asked to.
  void Close();

  const PublishSpec& spec() const { return spec_; }
  VolumeStats stats() const EXCLUDES(mutex_);
  VolumeCondition Condition() const EXCLUDES(mutex_);
  /// How long ago what is shown was last known to be current.
  std::chrono::nanoseconds data_age() const { return status_.DataAge(); }
  /// Changes wait because the pod has used more than its share.
  bool held_back() const { return volume_->held_back(); }
  bool raises_events() const { return volume_->raises_events(); }

 private:
  CsiVolume(const VolumeParts& parts, PublishSpec spec);
  Status Mount(VolumeVersionPtr version, std::string resource_version, bool replace);
  Status Show(VolumeUpdater::Update update, bool replace);
  Status StartUpdater(bool replace);
  Status Review();
  Status CheckRights();
  void ApplyReviewsAgain();
  Status ChangeView(const PublishSpec& spec);
  Status RestartUpdater() EXCLUDES(mutex_);
  void SayShortfall() const;
  MountedVolumeOptions Options();
  std::shared_ptr<TreeCaller> MakeCaller(FuseMount& mount) const;

  const VolumeParts parts_;
  PublishSpec spec_;
  ContentBudget::Share share_;  // of the content that is shown
  std::shared_ptr<const HandoverMemory> memory_;
  MountStatus status_;
  DataDirNamer namer_;
  std::unique_ptr<PodSource> source_;
  std::unique_ptr<Lane> updates_;
  std::unique_ptr<VolumeUpdater> updater_;
  std::unique_ptr<MountedVolume> volume_;
  mutable Mutex mutex_;
  bool follows_ GUARDED_BY(mutex_) = false;
  bool detached_ GUARDED_BY(mutex_) = false;
  std::vector<std::string> dead_in_ GUARDED_BY(mutex_);
};

}  // namespace downwardfs
