// SPDX-License-Identifier: Apache-2.0
#include "csi/volume_manager.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/log_keys.h"
#include "base/text.h"
#include "csi/publish_checks.h"
#include "csi/publish_place.h"
#include "csi/volume_turn.h"
#include "mount-helper/volume_place.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// The kubelet gives up after two minutes and asks again.
constexpr seconds kPodPatience{20};
// Serving threads answer within microseconds; on a machine that is overloaded it takes longer.
constexpr milliseconds kServingPatience{2000};

Status NoTurn() {
  return Fail(ErrorCode::kCancelled, "the call was cancelled");
}

}  // namespace

VolumeManager::VolumeManager(VolumeManagerOptions options, const VolumeParts& parts,
                             PublishJournal journal)
    : options_(std::move(options)), parts_(parts), journal_(std::move(journal)) {}

VolumeManager::~VolumeManager() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  upkeep_.Join();
  // Mounts stay; the next daemon goes on with them.
  MutexLock lock(mutex_);
  for (const auto& [id, volume] : volumes_) volume->Close();
}

void VolumeManager::Start(std::vector<FuseMount> handed) {
  {
    MutexLock lock(mutex_);
    for (FuseMount& one : handed) {
      const std::string id = one.id;
      unread_[id] = std::move(one);
    }
  }
  ReadJournal();
  upkeep_ = WorkerThread("csi-upkeep", [this] { Upkeep(); });
}

void VolumeManager::Detached(const std::string& id) {
  if (const VolumePtr volume = Find(id)) volume->Detach();
  MutexLock lock(mutex_);
  if (const auto unread = unread_.find(id); unread != unread_.end()) {
    unread->second.mounted = false;
    unread->second.view.Reset();  // it would keep the file system in existence
  }
}

void VolumeManager::TakeHanded(FuseMount handed) {
  {
    MutexLock lock(mutex_);
    left_.push_back(std::move(handed));
  }
  changed_.NotifyAll();
}

VolumeManager::VolumePtr VolumeManager::Find(const std::string& id) const {
  MutexLock lock(mutex_);
  const auto found = volumes_.find(id);
  return found == volumes_.end() ? nullptr : found->second;
}

VolumeManager::Known VolumeManager::IsKnown(const std::string& id, const std::string& path) const {
  const auto at = [&](const std::string& known) {
    return known == path ? Known::kHere : Known::kElsewhere;
  };
  MutexLock lock(mutex_);
  if (const auto volume = volumes_.find(id); volume != volumes_.end()) {
    return at(volume->second->spec().target_path);
  }
  if (const auto lost = lost_.find(id); lost != lost_.end()) return at(lost->second.target_path);
  if (const auto unread = unread_.find(id); unread != unread_.end()) {
    return at(PlainPath(unread->second.path));
  }
  const auto unsure = unsure_.find(id);
  const bool left = std::any_of(left_.begin(), left_.end(), [&](const FuseMount& one) {
    return one.id == id && PlainPath(one.path) == path;
  });
  if (left || (unsure != unsure_.end() && unsure->second == path)) return Known::kHere;
  return records_.MayHave(id) ? Known::kHere : Known::kNot;
}

Status VolumeManager::Publish(const PublishRequest& request, const Cancelled& cancelled) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : request.context) bytes += name.size() + value.size();
  const auto seat = room_.Enter(bytes);
  if (!seat) return Fail(seat.error());
  auto spec = ParsePublishRequest(request);
  if (!spec) return Fail(std::move(spec.error()));
  const std::string& id = spec->volume_id;
  const Turn turn(*this, id, cancelled);
  if (!turn.had()) return NoTurn();
  const Known known = IsKnown(id, spec->target_path);
  // A mount that is there has its flags; the kubelet may have learned of others.
  if (known != Known::kHere) {
    if (auto good = CheckMountFlags(request); !good) return good;
  }
  // Of the kubelet's places, which the checks below are about, all are ours: what is of our type
  // there was left by a publish that came to no end. Elsewhere it must have been this volume's.
  bool replace = !options_.kubelet_dir.empty() || known == Known::kHere;
  if (const VolumePtr volume = Find(id)) {
    if (!volume->detached() && !volume->ended()) return Republish(*volume, *spec);
    // It was unmounted behind our back: the pod gets a new one.
    auto gone = parts_.holder.Unmount(id, volume->spec().target_path, /*ours=*/true);
    if (!gone) return gone;
    volume->Close();
    Remove(id);
    replace = true;
  }
  if (auto good = TakePlace(*spec); !good) return good;
  const Place place(*this, id);
  return PublishNew(std::move(*spec), replace, cancelled);
}

Status VolumeManager::Republish(CsiVolume& volume, const PublishSpec& spec) {
  const PublishSpec& before = volume.spec();
  const std::string& id = spec.volume_id;
  if (spec.target_path != before.target_path) {
    return Fail(ErrorCode::kFailedPrecondition,
                "volume " + id + ": is published already, at " +
                    QuoteForMessage(before.target_path, kWholePath));
  }
  if (spec.pod.uid != before.pod.uid) {
    return Fail(ErrorCode::kAlreadyExists,
                "volume " + id + ": is published already, for the pod with uid " + before.pod.uid);
  }
  if (!spec.service_account.empty() && !before.service_account.empty() &&
      spec.service_account != before.service_account) {
    return Fail(ErrorCode::kInvalidArgument,
                "volume_context csi.storage.k8s.io/serviceAccount.name " +
                    QuoteForMessage(spec.service_account) + ": the pod runs as ServiceAccount " +
                    QuoteForMessage(before.service_account));
  }
  const bool changes = spec.attributes != before.attributes || spec.fs_group != before.fs_group;
  {
    MutexLock lock(mutex_);
    if (!changes && unrecorded_.count(id) == 0) return {};
  }
  if (changes) {
    if (!volume.follows()) {
      return Fail(ErrorCode::kUnavailable,
                  "volume " + id + ": cannot be changed before its pod is known again");
    }
    if (auto done = volume.Change(spec); !done) return done;
  }
  auto written = journal_.Write(volume.spec());
  MutexLock lock(mutex_);
  if (written) {
    unrecorded_.erase(id);
  } else {
    unrecorded_.insert(id);
  }
  return written;
}

// One whose record cannot be read, and of which the kubelet tells us again what it is: it goes on
// as it is. Null if it cannot, or is unknown.
VolumeManager::VolumePtr VolumeManager::ResumeUnread(const PublishSpec& spec,
                                                     const ObjectKey& pod) {
  FuseMount handed;
  {
    MutexLock lock(mutex_);
    const auto unread = unread_.find(spec.volume_id);
    if (unread == unread_.end()) return nullptr;
    handed = std::move(unread->second);
    unread_.erase(unread);
  }
  if (!handed.mounted) return nullptr;
  auto volume = CsiVolume::Resume(parts_, spec, std::move(handed));
  if (!volume) return nullptr;
  if (auto done = (*volume)->Follow(pod); !done) {
    LogWarning("the last content stays; trying again",
               {{log_keys::kVolume, spec.volume_id}, {log_keys::kError, done.error().message}});
  }
  return std::move(*volume);
}

Result<VolumeManager::VolumePtr> VolumeManager::Mount(const PublishSpec& spec, const ObjectKey& pod,
                                                      bool replace) {
  {
    MutexLock lock(mutex_);
    unsure_[spec.volume_id] = spec.target_path;
  }
  auto volume = CsiVolume::Publish(parts_, spec, pod, replace);
  // With the holder away in between, it may have mounted and had nobody to tell.
  if (volume || volume.error().code != ErrorCode::kUnavailable) {
    MutexLock lock(mutex_);
    unsure_.erase(spec.volume_id);
  }
  return volume;
}

Status VolumeManager::PublishNew(PublishSpec spec, bool replace, const Cancelled& cancelled) {
  const std::string id = spec.volume_id;
  {
    MutexLock lock(mutex_);
    if (lost_.count(id) != 0) {
      spec.mounted_anew = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    }
  }
  const auto stop = [&] { return cancelled() || stopping(); };
  auto pod = parts_.objects.AwaitPod(spec.pod, steady_clock::now() + kPodPatience, stop);
  if (!pod) return Fail(std::move(pod.error()));
  if (auto good = CheckPod(spec, **pod, options_.kubelet_dir, options_.driver_name); !good) {
    return good;
  }
  const ObjectKey key = KeyOf(spec, **pod);
  VolumePtr volume = ResumeUnread(spec, key);
  const bool resumed = volume != nullptr;
  if (!resumed) {
    auto mounted = Mount(spec, key, replace);
    if (!mounted) return Fail(std::move(mounted.error()));
    volume = std::move(*mounted);
  }
  Status done = stop() && !resumed ? NoTurn() : journal_.Write(volume->spec());
  if (!done && !resumed) {
    auto gone = parts_.holder.Unmount(id, spec.target_path, /*ours=*/true);
    volume->Close();
    MutexLock lock(mutex_);
    if (!gone) unsure_[id] = spec.target_path;
    return done;
  }
  LogInfo("published", {{log_keys::kVolume, id},
                        {log_keys::kPod, spec.pod.ns + "/" + spec.pod.name},
                        {log_keys::kMountPoint, spec.target_path}});
  MutexLock lock(mutex_);
  volumes_[id] = std::move(volume);
  lost_.erase(id);
  if (!done) unrecorded_.insert(id);
  return done;
}

void VolumeManager::Remove(const std::string& id) {
  VolumePtr removed;  // destroyed without the lock
  MutexLock lock(mutex_);
  if (const auto found = volumes_.find(id); found != volumes_.end()) {
    removed = std::move(found->second);
    volumes_.erase(found);
  }
}

// Nothing of it is there any more.
void VolumeManager::Forget(const std::string& id) {
  if (const VolumePtr volume = Find(id)) {
    volume->Close();
    Remove(id);
  }
  MutexLock lock(mutex_);
  lost_.erase(id);
  unread_.erase(id);
  unsure_.erase(id);
  unrecorded_.erase(id);
  left_.erase(std::remove_if(left_.begin(), left_.end(),
                             [&](const FuseMount& one) { return one.id == id; }),
              left_.end());
}

Status VolumeManager::Unpublish(const std::string& id, const std::string& target_path,
                                const Cancelled& cancelled) {
  if (auto good = CheckVolumeId(id); !good) return good;
  if (auto good = CheckPath("target_path", target_path); !good) return good;
  const std::string path = PlainPath(target_path);
  const Turn turn(*this, id, cancelled);
  if (!turn.had()) return NoTurn();
  const Known known = IsKnown(id, path);
  if (known != Known::kHere) {
    MutexLock lock(mutex_);
    for (const auto& [other, published] : volumes_) {
      if (published->spec().target_path == path) {
        return Fail(ErrorCode::kFailedPrecondition,
                    "target_path " + QuoteForMessage(path) + ": is of volume " + other);
      }
    }
  }
  // Also where nothing is known of it: a directory or a dead mount may be left.
  if (auto done = parts_.holder.Unmount(id, path, known == Known::kHere); !done) return done;
  if (known == Known::kElsewhere) return {};  // it stays
  if (auto done = journal_.Remove(id); !done) return done;
  Forget(id);
  if (known == Known::kHere) {
    LogInfo("unpublished", {{log_keys::kVolume, id}, {log_keys::kMountPoint, path}});
  }
  return {};
}

VolumeManager::Overview VolumeManager::Sum() const {
  Overview sum;
  for (const char* const name : kStateNames) sum.by_state[name] = 0;
  for (const VolumePtr& volume : AllVolumes()) {
    const VolumeStats stats = volume->stats();
    ++sum.by_state[StateName(volume->Condition().state)];
    if (volume->held_back()) ++sum.held_back;
    if (!volume->raises_events()) ++sum.without_events;
    if (stats.log_full) ++sum.handover_full;
    sum.handover_bytes += stats.log_bytes;
    sum.data_age = std::max(sum.data_age, volume->data_age());
  }
  MutexLock lock(mutex_);
  sum.by_state["lost"] = lost_.size();
  sum.by_state["unread"] = unread_.size();
  return sum;
}

Result<VolumeManager::Figures> VolumeManager::Stats(const std::string& id,
                                                    const std::string& path) const {
  if (id.empty()) return Fail(ErrorCode::kInvalidArgument, "volume_id: is required");
  if (path.empty()) return Fail(ErrorCode::kInvalidArgument, "volume_path: is required");
  const std::string plain = PlainPath(path);
  const VolumePtr volume = Find(id);
  if (volume && volume->spec().target_path == plain) {
    return Figures{volume->stats(), volume->Condition().fault};
  }
  MutexLock lock(mutex_);
  const auto unread = unread_.find(id);
  if (!volume && unread != unread_.end() && PlainPath(unread->second.path) == plain) {
    return Figures{{},
                   "it is mounted and not served: its record cannot be read (the log says why)"};
  }
  return Fail(ErrorCode::kNotFound,
              "volume " + QuoteForMessage(id) + ": is not published at " + QuoteForMessage(path));
}

std::string VolumeManager::Trouble() const {
  std::string all;
  const auto add = [&](const std::string& trouble) {
    if (!all.empty()) all += "; ";
    all += trouble;
  };
  const SourceState state = parts_.objects.pods().State();
  if (!state.connected) {
    add("the node's pods are not followed: " + (state.last_error.empty()
                                                    ? "no answer from " + state.description + " yet"
                                                    : state.last_error));
  }
  if (parts_.holder.mounter_away()) add("the holder is away: nothing can be mounted or unmounted");
  if (!parts_.loop.Answers(kServingPatience)) add("no serving thread answers: FUSE sessions hang");
  for (const VolumePtr& volume : AllVolumes()) {
    if (volume->ended() && !volume->detached()) {
      add("the FUSE session of volume " + QuoteForMessage(volume->spec().volume_id) +
          " has ended, and it is mounted still");
      break;
    }
  }
  if (const std::string dead = DescribeDeadMounts(); !dead.empty()) add(dead);
  MutexLock lock(mutex_);
  if (!unlisted_.empty()) add("the records of volumes cannot be read: " + unlisted_);
  if (!unread_.empty()) {
    add(std::to_string(unread_.size()) +
        " mounted volumes are not served: their records cannot be read (the log names them)");
  }
  return all;
}

void VolumeManager::LetGo() {
  MutexLock lock(mutex_);
  for (const auto& [id, volume] : volumes_) volume->Detach();
}

bool VolumeManager::AllEnded() const {
  MutexLock lock(mutex_);
  return std::all_of(volumes_.begin(), volumes_.end(),
                     [](const auto& volume) { return volume.second->ended(); });
}

std::size_t VolumeManager::size() const {
  MutexLock lock(mutex_);
  return volumes_.size();
}

bool VolumeManager::stopping() const {
  MutexLock lock(mutex_);
  return stopping_;
}

}  // namespace downwardfs
