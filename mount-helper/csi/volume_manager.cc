// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/csi/volume_manager.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "base/log_keys.h"
#include "base/text.h"
#include "mount-helper/volume_place.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// The kubelet gives up after two minutes and asks again.
constexpr seconds kPodPatience{20};
constexpr milliseconds kLookForCancel{100};
constexpr seconds kUpkeepPause{1};
constexpr std::size_t kMostVolumesPerPod = 64;
constexpr char kConfigHash[] = "/metadata/annotations/kubernetes.io~1config.hash";

// The pod as the server knows it. A static pod's mirror is followed by its name.
ObjectKey KeyOf(const PublishSpec& spec, const Object& pod) {
  ObjectKey key = spec.pod;
  key.uid = pod.meta().uid == spec.pod.uid ? spec.pod.uid : "";
  return key;
}

bool HasVolume(const nlohmann::json& pod, const std::string& name, const std::string& driver) {
  const nlohmann::json::json_pointer volumes("/spec/volumes");
  if (!pod.contains(volumes) || !pod[volumes].is_array()) return false;
  const auto& all = pod[volumes];
  return std::any_of(all.begin(), all.end(), [&](const nlohmann::json& volume) {
    return volume.is_object() && volume.contains("csi") && volume["csi"].is_object() &&
           volume["csi"].value("driver", "") == driver &&
           (name.empty() || volume.value("name", "") == name);
  });
}

}  // namespace

// One call for a volume at a time.
class VolumeManager::Turn {
 public:
  /// Waits for it; not had where the caller gave up.
  Turn(VolumeManager& manager, std::string id, const Cancelled& cancelled)
      : manager_(manager), id_(std::move(id)) {
    MutexLock lock(manager_.mutex_);
    while (manager_.in_work_.count(id_) != 0) {
      if (manager_.stopping_ || cancelled()) return;
      manager_.changed_.WaitUntil(manager_.mutex_, steady_clock::now() + kLookForCancel);
    }
    manager_.in_work_.insert(id_);
    had_ = true;
  }
  ~Turn() {
    if (!had_) return;
    {
      MutexLock lock(manager_.mutex_);
      manager_.in_work_.erase(id_);
    }
    manager_.changed_.NotifyAll();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  bool had() const { return had_; }

 private:
  VolumeManager& manager_;
  const std::string id_;
  bool had_ = false;
};

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
  // What is mounted stays so; the next daemon goes on with it.
  MutexLock lock(mutex_);
  for (const auto& [id, volume] : volumes_) volume->Close();
}

void VolumeManager::Start(std::vector<HandedVolume> handed) {
  std::map<std::string, PublishSpec> specs;
  for (PublishSpec& spec : journal_.Read()) specs.emplace(spec.volume_id, spec);
  for (HandedVolume& one : handed) {
    const std::string id = one.id;
    const std::string path = one.volume.path;
    const auto spec = specs.find(id);
    if (spec == specs.end() || spec->second.target_path != path || !one.volume.mounted) {
      MutexLock lock(mutex_);
      handed_.push_back(std::move(one));
      continue;
    }
    auto volume = CsiVolume::Resume(parts_, spec->second, std::move(one));
    if (!volume) {
      // What the kernel knows of it cannot be answered any more: it is mounted anew.
      LogError("the handover of a volume is refused",
               {{log_keys::kVolume, id}, {log_keys::kError, volume.error().message}});
      HandedVolume refused;
      refused.id = id;
      refused.volume.path = path;
      MutexLock lock(mutex_);
      handed_.push_back(std::move(refused));
      continue;
    }
    MutexLock lock(mutex_);
    volumes_[id] = std::move(*volume);
    specs.erase(spec);
  }
  {
    MutexLock lock(mutex_);
    lost_ = std::move(specs);
  }
  upkeep_ = WorkerThread("csi-upkeep", [this] { Upkeep(); });
}

void VolumeManager::Detached(const std::string& id) {
  if (const VolumePtr volume = Find(id)) volume->Detach();
}

void VolumeManager::TakeHanded(HandedVolume handed) {
  {
    MutexLock lock(mutex_);
    handed_.push_back(std::move(handed));
  }
  changed_.NotifyAll();
}

VolumeManager::VolumePtr VolumeManager::Find(const std::string& id) const {
  MutexLock lock(mutex_);
  const auto found = volumes_.find(id);
  return found == volumes_.end() ? nullptr : found->second;
}

Status VolumeManager::Publish(const PublishRequest& request, const Cancelled& cancelled) {
  auto spec = ParsePublishRequest(request);
  if (!spec) return Fail(std::move(spec.error()));
  const Turn turn(*this, spec->volume_id, cancelled);
  if (!turn.had()) return Fail(ErrorCode::kCancelled, "the call was cancelled");
  bool replace = false;
  if (const VolumePtr volume = Find(spec->volume_id)) {
    if (!volume->detached()) return Republish(*volume, *spec);
    // It was unmounted behind our back: the pod gets a new one.
    auto gone = parts_.holder.Unmount(spec->volume_id, volume->spec().target_path);
    if (!gone) return gone;
    volume->Close();
    Remove(spec->volume_id);
    replace = true;
  }
  {
    MutexLock lock(mutex_);
    replace = lost_.erase(spec->volume_id) != 0 || replace;
  }
  if (auto good = CheckTarget(*spec); !good) return good;
  return PublishNew(std::move(*spec), replace, cancelled);
}

Status VolumeManager::Republish(CsiVolume& volume, const PublishSpec& spec) {
  const PublishSpec& before = volume.spec();
  if (spec.target_path != before.target_path) {
    return Fail(ErrorCode::kFailedPrecondition,
                "volume " + spec.volume_id + ": is published already, at " + before.target_path);
  }
  if (spec.pod.uid != before.pod.uid) {
    return Fail(ErrorCode::kAlreadyExists, "volume " + spec.volume_id +
                                               ": is published already, for the pod with uid " +
                                               before.pod.uid);
  }
  const bool changes = spec.attributes != before.attributes || spec.fs_group != before.fs_group;
  if (!changes) return {};
  if (!volume.follows()) {
    return Fail(ErrorCode::kUnavailable,
                "volume " + spec.volume_id + ": cannot be changed before its pod is known again");
  }
  if (auto done = volume.Change(spec); !done) return done;
  return journal_.Write(volume.spec());
}

// That the path is one for this volume, and no other's.
Status VolumeManager::CheckTarget(const PublishSpec& spec) const {
  if (!options_.kubelet_dir.empty()) {
    const auto target = ParseKubeletTarget(options_.kubelet_dir, spec.target_path);
    if (!target) {
      return Fail(ErrorCode::kInvalidArgument,
                  "target_path " + QuoteForMessage(spec.target_path) + ": must be " +
                      options_.kubelet_dir + "/pods/UID/volumes/kubernetes.io~csi/VOLUME/mount");
    }
    if (target->pod_uid != spec.pod.uid) {
      return Fail(ErrorCode::kInvalidArgument, "target_path " + QuoteForMessage(spec.target_path) +
                                                   ": is not of the pod with uid " + spec.pod.uid);
    }
  }
  MutexLock lock(mutex_);
  std::size_t of_pod = 0;
  for (const auto& [id, volume] : volumes_) {
    if (volume->spec().target_path == spec.target_path) {
      return Fail(ErrorCode::kAlreadyExists, "target_path " + QuoteForMessage(spec.target_path) +
                                                 ": volume " + id + " is published there");
    }
    if (volume->spec().pod.uid == spec.pod.uid) ++of_pod;
  }
  if (of_pod >= kMostVolumesPerPod) {
    return Fail(ErrorCode::kResourceExhausted,
                "pod " + spec.pod.ns + "/" + spec.pod.name + ": has " + std::to_string(of_pod) +
                    " volumes of this driver already, the most that a pod may have");
  }
  return {};
}

Status VolumeManager::CheckVolumeOfPod(const PublishSpec& spec, const Object& pod) const {
  std::string name;
  if (const auto target = ParseKubeletTarget(options_.kubelet_dir, spec.target_path);
      target && !options_.kubelet_dir.empty()) {
    name = target->volume;
  }
  const auto json = nlohmann::json::parse(pod.Json(), nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && HasVolume(json, name, options_.driver_name)) return {};
  return Fail(ErrorCode::kFailedPrecondition,
              "pod " + spec.pod.ns + "/" + spec.pod.name + ": has no volume " +
                  (name.empty() ? "" : "\"" + name + "\" ") + "of driver " + options_.driver_name);
}

Status VolumeManager::PublishNew(PublishSpec spec, bool replace, const Cancelled& cancelled) {
  const auto stop = [&] { return cancelled() || stopping(); };
  auto pod = parts_.objects.AwaitPod(spec.pod, steady_clock::now() + kPodPatience, stop);
  if (!pod) return Fail(std::move(pod.error()));
  if (auto good = CheckVolumeOfPod(spec, **pod); !good) return good;
  const ObjectKey key = KeyOf(spec, **pod);
  const std::string id = spec.volume_id;
  auto volume = CsiVolume::Publish(parts_, std::move(spec), key, replace);
  if (!volume) return Fail(std::move(volume.error()));
  Status done = stop() ? Status(Fail(ErrorCode::kCancelled, "the call was cancelled"))
                       : journal_.Write((*volume)->spec());
  if (!done) {
    static_cast<void>(parts_.holder.Unmount(id, (*volume)->spec().target_path));
    (*volume)->Close();
    return done;
  }
  LogInfo("published",
          {{log_keys::kVolume, id},
           {log_keys::kPod, (*volume)->spec().pod.ns + "/" + (*volume)->spec().pod.name},
           {log_keys::kMountPoint, (*volume)->spec().target_path}});
  MutexLock lock(mutex_);
  volumes_[id] = std::move(*volume);
  return {};
}

void VolumeManager::Remove(const std::string& id) {
  VolumePtr removed;  // destroyed without the lock
  MutexLock lock(mutex_);
  if (const auto found = volumes_.find(id); found != volumes_.end()) {
    removed = std::move(found->second);
    volumes_.erase(found);
  }
}

Status VolumeManager::Unpublish(const std::string& id, const std::string& path,
                                const Cancelled& cancelled) {
  if (auto good = CheckVolumeId(id); !good) return good;
  if (auto good = CheckPath("target_path", path); !good) return good;
  const Turn turn(*this, id, cancelled);
  if (!turn.had()) return Fail(ErrorCode::kCancelled, "the call was cancelled");
  const VolumePtr volume = Find(id);
  const bool ours = volume && volume->spec().target_path == path;
  if (!ours) {
    MutexLock lock(mutex_);
    for (const auto& [other, published] : volumes_) {
      if (published->spec().target_path == path) {
        return Fail(ErrorCode::kFailedPrecondition,
                    "target_path " + QuoteForMessage(path) + ": is of volume " + other);
      }
    }
  }
  // Also where nothing is known of it: a directory or a dead mount may be left.
  if (auto done = parts_.holder.Unmount(id, path); !done) return done;
  if (volume && !ours) return {};  // it is published elsewhere, and stays
  if (auto done = journal_.Remove(id); !done) return done;
  {
    MutexLock lock(mutex_);
    lost_.erase(id);
  }
  if (!ours) return {};
  volume->Close();
  Remove(id);
  LogInfo("unpublished", {{log_keys::kVolume, id}, {log_keys::kMountPoint, path}});
  return {};
}

Result<VolumeManager::Figures> VolumeManager::Stats(const std::string& id,
                                                    const std::string& path) const {
  if (auto good = CheckVolumeId(id); !good) return Fail(std::move(good.error()));
  if (auto good = CheckPath("volume_path", path); !good) return Fail(std::move(good.error()));
  const VolumePtr volume = Find(id);
  if (!volume || volume->spec().target_path != path) {
    return Fail(ErrorCode::kNotFound,
                "volume " + QuoteForMessage(id) + ": is not published at " + QuoteForMessage(path));
  }
  return Figures{volume->stats(), volume->Condition()};
}

std::string VolumeManager::Trouble() const {
  const SourceState state = parts_.objects.pods().State();
  if (state.connected) return "";
  return "the node's pods are not followed: " +
         (state.last_error.empty() ? "no answer from " + state.description + " yet"
                                   : state.last_error);
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

void VolumeManager::Upkeep() {
  auto next_review = steady_clock::now() + options_.review_interval;
  while (!stopping()) {
    MountLost();
    FollowPods();
    if (steady_clock::now() >= next_review) {
      ReviewAll();
      next_review = steady_clock::now() + options_.review_interval;
    }
    MutexLock lock(mutex_);
    if (!stopping_) {
      changed_.WaitUntil(mutex_, std::min(next_review, steady_clock::now() +
                                                           steady_clock::duration(kUpkeepPause)));
    }
  }
}

// A volume of a daemon before us begins to follow its pod when that is known.
void VolumeManager::FollowPods() {
  std::vector<VolumePtr> waiting;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, volume] : volumes_) {
      if (!volume->follows()) waiting.push_back(volume);
    }
  }
  for (const VolumePtr& volume : waiting) {
    const PublishSpec& spec = volume->spec();
    const auto pod = parts_.objects.pods().Get(ObjectKey{"Pod", spec.pod.ns, spec.pod.name, ""});
    if (!pod) continue;
    ObjectKey key = KeyOf(spec, *pod);
    if (key.uid.empty()) {
      const auto json = nlohmann::json::parse(pod->Json(), nullptr, /*allow_exceptions=*/false);
      const nlohmann::json::json_pointer hash(kConfigHash);
      // Another pod of the same name: ours is gone, and its last content stays.
      if (!json.contains(hash) || json[hash] != spec.pod.uid) continue;
    }
    const Turn turn(*this, spec.volume_id, [this] { return stopping(); });
    if (!turn.had() || Find(spec.volume_id) != volume) continue;
    if (auto done = volume->Follow(key); !done) {
      LogWarning("the last content stays; trying again",
                 {{log_keys::kVolume, spec.volume_id}, {log_keys::kError, done.error().message}});
    }
  }
}

void VolumeManager::ReviewAll() {
  std::vector<VolumePtr> all;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, volume] : volumes_) {
      if (volume->follows()) all.push_back(volume);
    }
  }
  std::map<std::string, bool> answers;  // by ServiceAccount
  for (const VolumePtr& volume : all) {
    if (stopping()) return;
    const PublishSpec& spec = volume->spec();
    const Turn turn(*this, spec.volume_id, [this] { return stopping(); });
    if (!turn.had() || Find(spec.volume_id) != volume || !volume->needs_review()) continue;
    const std::string account = spec.pod.ns + "/" + spec.service_account;
    if (answers.count(account) == 0) {
      auto allowed =
          parts_.reviewer.MayGetNode(spec.pod.ns, spec.service_account, parts_.objects.node_name());
      if (!allowed) {
        // What was allowed stays so while nobody can say.
        LogWarning("what pods may read is not known",
                   {{log_keys::kError, allowed.error().message}});
        return;
      }
      answers[account] = *allowed;
    }
    volume->ApplyReview(answers[account]);
  }
}

// What is published by the journal and not mounted is mounted anew: both sides were gone. Its pods'
// containers get it when they start again. What is mounted and not in the journal was being
// published when the daemon before us died; the kubelet asks again.
void VolumeManager::MountLost() {
  std::vector<HandedVolume> handed;
  std::map<std::string, PublishSpec> lost;
  {
    MutexLock lock(mutex_);
    handed.swap(handed_);
    lost = lost_;
  }
  for (const HandedVolume& one : handed) {
    const Turn turn(*this, one.id, [this] { return stopping(); });
    if (!turn.had() || Find(one.id)) continue;
    LogInfo("a volume that nobody has published is unmounted",
            {{log_keys::kVolume, one.id}, {log_keys::kMountPoint, one.volume.path}});
    static_cast<void>(parts_.holder.Unmount(one.id, one.volume.path));
  }
  for (auto& [id, spec] : lost) {
    const Turn turn(*this, id, [this] { return stopping(); });
    {
      MutexLock lock(mutex_);
      if (!turn.had() || lost_.count(id) == 0 || volumes_.count(id) != 0) continue;
    }
    const auto exists = parts_.holder.PodDirectoryExists(spec.target_path);
    if (!exists) continue;
    bool orphan = !*exists;
    Status done;
    if (!orphan) {
      const ObjectKey by_name{"Pod", spec.pod.ns, spec.pod.name, ""};
      if (!parts_.objects.pods().Get(by_name)) continue;  // not known (yet)
      done = PublishNew(spec, /*replace=*/true, [] { return false; });
      // The pod's directory is the kubelet's to remove, and then it unpublishes.
      orphan = !done && done.error().code == ErrorCode::kNotFound;
      if (!done) {
        LogWarning("a volume that was lost cannot be mounted anew",
                   {{log_keys::kVolume, id}, {log_keys::kError, done.error().message}});
      }
    }
    if (!orphan && !done) continue;
    if (orphan) {
      LogInfo("the pod of a volume is gone", {{log_keys::kVolume, id}});
      static_cast<void>(parts_.holder.Unmount(id, spec.target_path));
      static_cast<void>(journal_.Remove(id));
    }
    MutexLock lock(mutex_);
    lost_.erase(id);
  }
}

}  // namespace downwardfs
