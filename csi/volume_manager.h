// SPDX-License-Identifier: Apache-2.0
//
// The volumes of the node: publishes and unpublishes them as the CSI specification says, again and
// again with the same outcome; takes over at its start what the daemon before has left, mounts anew
// what both sides have lost; and looks after them: who follows its pod, what it may see, whether
// its pod is still there.
//
// One owner, which calls Start() and destroys it; the other methods may be called by any thread.
// Calls for one volume are made one after another. Lock order: a volume's turn, then mutex_.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/retry.h"
#include "base/worker_thread.h"
#include "csi/call_room.h"
#include "csi/csi_volume.h"
#include "csi/publish_journal.h"

namespace downwardfs {

struct VolumeManagerOptions {
  std::string driver_name;
  std::string kubelet_dir;  ///< empty: target_paths may be anywhere
  std::chrono::milliseconds review_interval{300000};
};

/// Whether a caller has given up waiting.
using Cancelled = std::function<bool()>;

class VolumeManager {
 public:
  VolumeManager(VolumeManagerOptions options, const VolumeParts& parts, PublishJournal journal);
  ~VolumeManager();

  /// Goes on with these volumes; when it returns, all are served. The rest comes later, on the
  /// thread `csi-upkeep`.
  void Start(std::vector<FuseMount> handed);
  /// Its mount is gone.
  void Detached(const std::string& id);
  /// A volume that is mounted, and that we do not know.
  void TakeHanded(FuseMount handed);

  Status Publish(const PublishRequest& request, const Cancelled& cancelled);
  Status Unpublish(const std::string& id, const std::string& path, const Cancelled& cancelled);

  struct Figures {
    VolumeStats stats;
    std::string condition;  ///< empty: all is well
  };
  /// kNotFound where it is not published there, whatever the path looks like.
  Result<Figures> Stats(const std::string& id, const std::string& path) const;

  /// All volumes together.
  struct Overview {
    /// By StateName(), and `lost` (published, and not mounted) and `unread` (mounted, and the
    /// record cannot be read). Each state is there.
    std::map<std::string, std::size_t> by_state;
    std::size_t held_back = 0;       ///< volumes whose pods use more than their share
    std::size_t without_events = 0;  ///< volumes whose changes raise no inotify events
    std::size_t handover_bytes = 0;
    std::size_t handover_full = 0;         ///< volumes that would not survive this daemon
    std::chrono::nanoseconds data_age{0};  ///< of the oldest
  };
  Overview Sum() const EXCLUDES(mutex_);

  /// Nobody tells us any more when a mount has gone: none is kept in existence by us.
  void LetGo() EXCLUDES(mutex_);
  /// Nobody uses any of the volumes any more.
  bool AllEnded() const;
  /// The fault that keeps the plugin from working as it should; empty if it works.
  std::string Trouble() const;
  std::size_t size() const;

 private:
  using VolumePtr = std::shared_ptr<CsiVolume>;
  class Turn;
  /// The place of a volume, as far as anything of it is known here.
  enum class Known { kNot, kHere, kElsewhere };

  VolumePtr Find(const std::string& id) const EXCLUDES(mutex_);
  Known IsKnown(const std::string& id, const std::string& path) const EXCLUDES(mutex_);
  Status Republish(CsiVolume& volume, const PublishSpec& spec);
  Status PublishNew(PublishSpec spec, bool replace, const Cancelled& cancelled);
  Result<VolumePtr> Mount(const PublishSpec& spec, const ObjectKey& pod, bool replace);
  VolumePtr ResumeUnread(const PublishSpec& spec, const ObjectKey& pod);
  class Place;
  Status TakePlace(const PublishSpec& spec) EXCLUDES(mutex_);
  Status CheckTarget(const PublishSpec& spec) const REQUIRES(mutex_);
  void Remove(const std::string& id) EXCLUDES(mutex_);
  void Forget(const std::string& id) EXCLUDES(mutex_);

  // volume_upkeep.cc
  void ReadJournal() EXCLUDES(mutex_);
  void TakeOver(FuseMount one) EXCLUDES(mutex_);
  void Upkeep() EXCLUDES(mutex_);
  void UnmountLeft() EXCLUDES(mutex_);
  void MountLost() EXCLUDES(mutex_);
  void ForgetOrphans() EXCLUDES(mutex_);
  void FollowPods();
  void FindDeadMounts() EXCLUDES(mutex_);
  std::string DescribeDeadMounts() const EXCLUDES(mutex_);
  void ReviewAll();
  bool RemoveOrphan(const std::string& id, const std::string& path);
  bool IsDue(const std::string& id) const;
  void SayFailed(const std::string& id, const std::string& what, const Error& error);
  void DropRetries() EXCLUDES(mutex_);
  std::vector<VolumePtr> AllVolumes() const EXCLUDES(mutex_);
  bool stopping() const EXCLUDES(mutex_);

  const VolumeManagerOptions options_;
  const VolumeParts parts_;
  const PublishJournal journal_;
  CallRoom room_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::set<std::string> in_work_ GUARDED_BY(mutex_);  // volumes whose turn somebody has
  std::map<std::string, VolumePtr> volumes_ GUARDED_BY(mutex_);
  std::map<std::string, PublishSpec> lost_ GUARDED_BY(mutex_);  // published, and not mounted
  std::vector<FuseMount> left_ GUARDED_BY(mutex_);              // mounted, and not published
  // Mounted, and nobody can read whether it is published, and as what. Left alone: a pod may use
  // it, and a daemon that can read the record would serve it.
  std::map<std::string, FuseMount> unread_ GUARDED_BY(mutex_);
  PublishJournal::Records records_ GUARDED_BY(mutex_);  // those that cannot be read
  std::string unlisted_ GUARDED_BY(mutex_);  // why the journal cannot be; empty: it was read
  // By id the pod's uid and the path of a publish that is under way.
  std::map<std::string, std::pair<std::string, std::string>> places_ GUARDED_BY(mutex_);
  // By id the path of a mount that was asked for and whose outcome nobody has told us.
  std::map<std::string, std::string> unsure_ GUARDED_BY(mutex_);
  std::set<std::string> unrecorded_ GUARDED_BY(mutex_);  // the journal has an older state
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::map<std::string, Retry> retries_;          // of the upkeep's thread, by volume
  std::map<std::string, std::string> looked_at_;  // of the upkeep's thread: versions of pods
  WorkerThread upkeep_;
};

}  // namespace downwardfs
