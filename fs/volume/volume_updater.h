// SPDX-License-Identifier: Apache-2.0
//
// Keeps one volume up to date: subscribes to the pod, and to its node and namespace where it shows
// something of them, projects anew when one of them changes, and hands the files to a sink (the
// FUSE session, the atomic writer) if a byte, a mode or a name differs. A change that cannot be
// shown (an item became invalid, the pod is gone) leaves the last good content in place, is logged
// once, stands in the state, and is tried again.
//
// The owner creates, starts and destroys it; the work is done on a thread of its own, so that a
// slow sink holds up neither the source nor the kernel.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/object_source.h"
#include "base/result.h"
#include "base/retry.h"
#include "base/worker_thread.h"
#include "fs/projection/projector.h"
#include "fs/volume/file_contents.h"
#include "fs/volume/projection_source.h"
#include "fs/volume/volume_version.h"

namespace downwardfs {

class VolumeUpdater {
 public:
  struct Update {
    bool changed = true;               ///< false: the same files, only resource_version is newer
    std::vector<ProjectedFile> files;  ///< empty if not changed
    std::shared_ptr<const FileContents> contents;  ///< of the files, in their order; may be kept
    std::string resource_version;                  ///< of the pod
  };
  /// Called by Start() and then on the updater's thread, one call at a time. An error is logged and
  /// kept in the state; the update is tried again after a pause of 100 ms, doubled up to 30 s, and
  /// with the next change, until it succeeds.
  using Sink = std::function<Status(Update)>;

  struct State {
    std::string last_error;             ///< why the newest object is not shown; empty while it is
    std::vector<std::string> problems;  ///< items that are empty although they should not be
    bool pod_deleted = false;           ///< the content is the deleted pod's last
    std::uint64_t updates = 0;          ///< handed to the sink with changed == true
  };

  /// Which contents are held in memory while they are shown.
  enum class Keep {
    kAll,
    kWhatIsRead,  ///< those that the sink's reader has read, or whose predecessors it has
  };

  using SteadyTime = std::chrono::steady_clock::time_point;
  /// Runs a task on a thread of the owner's, once `due` has come; those that are due at once
  /// (min()) in their order.
  using Post = std::function<void(SteadyTime due, std::function<void()>)>;

  /// `source` outlives the updater. `key` has a uid where the volume is bound to that very pod.
  VolumeUpdater(ObjectSource& source, ObjectKey key, VolumeView view, Sink sink,
                Keep keep = Keep::kAll);
  /// One without a thread: its work is posted. It is destroyed when nothing that was posted runs or
  /// waits any more.
  VolumeUpdater(ObjectSource& source, ObjectKey key, VolumeView view, Sink sink, Keep keep,
                Post post);
  ~VolumeUpdater();
  VolumeUpdater(const VolumeUpdater&) = delete;
  VolumeUpdater& operator=(const VolumeUpdater&) = delete;

  /// The version that the sink shows already, before Start(): only a difference from it is handed
  /// out.
  void SetShown(const VolumeVersion& version);

  /// Hands the present files to the sink, then follows changes. The error of the first projection
  /// or of the sink is returned, and nothing is followed.
  Status Start();

  State state() const EXCLUDES(mutex_);

  /// The files may be others now, though the objects are the same (a right was revoked).
  void LookAgain() { MarkDirty(); }
  /// Nothing is shown any more that begins after this.
  void Stop() EXCLUDES(mutex_);

 private:
  Status Refresh() EXCLUDES(mutex_);
  bool IsShown(const std::vector<ProjectedFile>& files) const;
  std::shared_ptr<FileContents> ContentsOf(const Projection& projection) const;
  void FollowOthers(const std::vector<ObjectKey>& others);
  void MarkDirty() EXCLUDES(mutex_);
  void Run() EXCLUDES(mutex_);
  void RunOnce() EXCLUDES(mutex_);
  void Report(const Status& status) EXCLUDES(mutex_);
  /// Has the work done again after a pause.
  void TryLater() EXCLUDES(mutex_);

  ObjectSource& source_;
  const ObjectKey key_;
  const std::shared_ptr<const VolumeView> view_;  // contents that are rendered later hold it too
  const Sink sink_;
  const Keep keep_;
  const Post post_;  // none: there is a thread

  // Used by Start(), then by the thread only.
  std::vector<ProjectedFile> shown_;              // without their contents
  std::shared_ptr<FileContents> shown_contents_;  // null: nothing is shown yet
  struct Followed {
    ObjectKey key;
    std::unique_ptr<ObjectSource::Subscription> subscription;
  };
  Retry retry_{std::chrono::milliseconds(100), std::chrono::milliseconds(30000)};
  std::vector<Followed> others_;
  std::unique_ptr<ObjectSource::Subscription> pod_subscription_;

  mutable Mutex mutex_;
  CondVar wake_;
  bool dirty_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool posts_ GUARDED_BY(mutex_) = false;  // changes are posted
  State state_ GUARDED_BY(mutex_);
  // After a failure: when the thread looks again, or that a task that looks again is posted.
  std::optional<SteadyTime> again_at_ GUARDED_BY(mutex_);
  WorkerThread thread_;  // last: it uses the members above
};

}  // namespace downwardfs
