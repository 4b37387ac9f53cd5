// SPDX-License-Identifier: Apache-2.0
// The work that VolumeManager does by itself: it takes over what it is handed, and looks after what
// is published.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "base/log_keys.h"
#include "base/memory.h"
#include "base/text.h"
#include "csi/dead_mounts.h"
#include "csi/publish_checks.h"
#include "csi/volume_manager.h"
#include "csi/volume_turn.h"
#include "mount-helper/volume_place.h"

namespace downwardfs {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kUpkeepPause{1};

}  // namespace

// Says of each volume that we were handed what it is. A volume that cannot be known stays.
void VolumeManager::ReadJournal() {
  auto records = journal_.Read();
  std::vector<FuseMount> handed;
  {
    MutexLock lock(mutex_);
    if (!records) {
      if (unlisted_ != records.error().message) {
        LogError("the records of volumes cannot be read; nothing is unmounted, trying again",
                 {{log_keys::kError, records.error().message}});
      }
      unlisted_ = records.error().message;
      return;
    }
    unlisted_.clear();
    for (PublishSpec& spec : records->specs) {
      const std::string id = spec.volume_id;
      if (volumes_.count(id) == 0) lost_.emplace(id, std::move(spec));
    }
    records->specs.clear();
    records_ = std::move(*records);
    for (auto one = unread_.begin(); one != unread_.end();) {
      if (records_.MayHave(one->first)) {
        LogError("a volume whose record cannot be read stays mounted, and is not served",
                 {{log_keys::kVolume, one->first}, {log_keys::kMountPoint, one->second.path}});
        ++one;
        continue;
      }
      handed.push_back(std::move(one->second));
      one = unread_.erase(one);
    }
  }
  for (FuseMount& one : handed) TakeOver(std::move(one));
}

void VolumeManager::TakeOver(FuseMount one) {
  const std::string id = one.id;
  const std::string path = one.path;
  PublishSpec spec;
  {
    MutexLock lock(mutex_);
    const auto lost = lost_.find(id);
    if (lost == lost_.end() || lost->second.target_path != PlainPath(path) || !one.mounted) {
      left_.push_back(std::move(one));
      return;
    }
    spec = lost->second;
  }
  auto volume = CsiVolume::Resume(parts_, spec, std::move(one));
  MutexLock lock(mutex_);
  if (volume) {
    volumes_[id] = std::move(*volume);
    lost_.erase(id);
    return;
  }
  // The kernel's questions about it cannot be answered any more: it is mounted anew.
  LogError("the handover of a volume is refused",
           {{log_keys::kVolume, id}, {log_keys::kError, volume.error().message}});
  FuseMount refused;
  refused.id = id;
  refused.path = path;
  left_.push_back(std::move(refused));
}

std::vector<VolumeManager::VolumePtr> VolumeManager::AllVolumes() const {
  std::vector<VolumePtr> all;
  MutexLock lock(mutex_);
  all.reserve(volumes_.size());
  for (const auto& [id, volume] : volumes_) all.push_back(volume);
  return all;
}

void VolumeManager::Upkeep() {
  auto next_review = steady_clock::now() + options_.review_interval;
  while (!stopping()) {
    bool unlisted = false;
    {
      MutexLock lock(mutex_);
      unlisted = !unlisted_.empty();
    }
    if (unlisted) ReadJournal();
    UnmountLeft();
    MountLost();
    ForgetOrphans();
    FollowPods();
    FindDeadMounts();
    DropRetries();
    ReturnFreedMemory();
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

bool VolumeManager::IsDue(const std::string& id) const {
  const auto retry = retries_.find(id);
  return retry == retries_.end() || retry->second.Due(steady_clock::now());
}

// Of volumes that somebody else has seen to meanwhile.
void VolumeManager::DropRetries() {
  MutexLock lock(mutex_);
  for (auto retry = retries_.begin(); retry != retries_.end();) {
    const std::string& id = retry->first;
    bool needed = volumes_.count(id) != 0 || lost_.count(id) != 0;
    for (const FuseMount& one : left_) needed = needed || one.id == id;
    retry = needed ? std::next(retry) : retries_.erase(retry);
  }
}

void VolumeManager::SayFailed(const std::string& id, const std::string& what, const Error& error) {
  if (!retries_[id].Failed(steady_clock::now(), error.message)) return;
  LogWarning(what, {{log_keys::kVolume, id}, {log_keys::kError, error.message}});
}

// A volume that is mounted and not in the journal was being published when the daemon before us
// died; the kubelet asks again.
void VolumeManager::UnmountLeft() {
  std::vector<FuseMount> left;
  {
    MutexLock lock(mutex_);
    left.swap(left_);
  }
  for (FuseMount& one : left) {
    const std::string id = one.id;
    if (IsDue(id)) {
      const Turn turn(*this, id, [this] { return stopping(); });
      if (turn.had()) {
        if (Find(id)) continue;
        auto gone = parts_.holder.Unmount(id, one.path, /*ours=*/true);
        if (gone) {
          retries_.erase(id);
          LogInfo("a volume that nobody has published is unmounted",
                  {{log_keys::kVolume, id}, {log_keys::kMountPoint, one.path}});
          continue;
        }
        SayFailed(id, "a volume that nobody has published cannot be unmounted", gone.error());
      }
    }
    MutexLock lock(mutex_);
    left_.push_back(std::move(one));
  }
}

// A volume that the journal has and that is not mounted is mounted anew: both sides were gone. Its
// pods' containers get it when they start again.
void VolumeManager::MountLost() {
  std::map<std::string, PublishSpec> all;
  {
    MutexLock lock(mutex_);
    all = lost_;
  }
  for (const auto& [id, spec] : all) {
    if (!IsDue(id)) continue;
    const Turn turn(*this, id, [this] { return stopping(); });
    {
      MutexLock lock(mutex_);
      if (!turn.had() || lost_.count(id) == 0 || volumes_.count(id) != 0) continue;
    }
    const auto exists = parts_.holder.PodDirectoryExists(spec.target_path);
    if (!exists) continue;
    if (*exists) {
      const ObjectKey by_name{"Pod", spec.pod.ns, spec.pod.name, ""};
      if (!parts_.objects.pods().Get(by_name)) continue;  // not known (yet)
      auto done = PublishNew(spec, /*replace=*/true, [] { return false; });
      if (done) {
        retries_.erase(id);
        continue;
      }
      SayFailed(id, "a volume that was lost cannot be mounted anew", done.error());
      // The pod's directory is the kubelet's to remove, and then it unpublishes.
      if (done.error().code != ErrorCode::kNotFound) continue;
    }
    if (RemoveOrphan(id, spec.target_path)) retries_.erase(id);
  }
}

// Forgets the volumes whose mount somebody took away and whose pod's directory is gone since: the
// kubelet has nothing left to unpublish.
void VolumeManager::ForgetOrphans() {
  for (const VolumePtr& volume : AllVolumes()) {
    const PublishSpec& spec = volume->spec();
    const std::string id = spec.volume_id;
    if (!volume->detached() || !IsDue(id)) continue;
    const auto exists = parts_.holder.PodDirectoryExists(spec.target_path);
    if (!exists || *exists) continue;
    const Turn turn(*this, id, [this] { return stopping(); });
    if (!turn.had() || Find(id) != volume || !volume->detached()) continue;
    if (RemoveOrphan(id, spec.target_path)) retries_.erase(id);
  }
}

bool VolumeManager::RemoveOrphan(const std::string& id, const std::string& path) {
  auto gone = parts_.holder.Unmount(id, path, /*ours=*/true);
  if (gone) gone = journal_.Remove(id);
  if (!gone) {
    SayFailed(id, "a volume whose pod is gone cannot be removed", gone.error());
    return false;
  }
  LogInfo("the pod of a volume is gone", {{log_keys::kVolume, id}});
  Forget(id);
  return true;
}

// A volume of a daemon before us begins to follow its pod when that is known.
void VolumeManager::FollowPods() {
  for (const VolumePtr& volume : AllVolumes()) {
    if (volume->follows()) continue;
    const PublishSpec& spec = volume->spec();
    const std::string id = spec.volume_id;
    if (!IsDue(id)) continue;
    const auto pod = parts_.objects.pods().Get(ObjectKey{"Pod", spec.pod.ns, spec.pod.name, ""});
    // Another pod of the same name: ours is gone, and its last content stays.
    if (!pod || !IsPodOf(spec, *pod)) continue;
    const Turn turn(*this, id, [this] { return stopping(); });
    if (!turn.had() || Find(id) != volume) continue;
    if (auto done = volume->Follow(KeyOf(spec, *pod)); !done) {
      SayFailed(id, "the last content stays; trying again", done.error());
    } else {
      retries_.erase(id);
    }
  }
}

// Of volumes that were mounted anew: a container goes when it starts again, so a pod is looked at
// when it has changed.
void VolumeManager::FindDeadMounts() {
  std::map<std::string, std::string> looked_at;
  for (const VolumePtr& volume : AllVolumes()) {
    const PublishSpec& spec = volume->spec();
    if (spec.mounted_anew == 0) continue;
    const auto pod = parts_.objects.pods().Get(ObjectKey{"Pod", spec.pod.ns, spec.pod.name, ""});
    const bool ours = pod && IsPodOf(spec, *pod);
    std::string& version = looked_at[spec.volume_id];
    version = ours ? pod->meta().resource_version : "gone";
    const auto before = looked_at_.find(spec.volume_id);
    if (before != looked_at_.end() && before->second == version) continue;
    const auto target = ParseKubeletTarget(options_.kubelet_dir, spec.target_path);
    const std::string name = target ? target->volume : "";
    const auto dead =
        ours ? ContainersWithDeadMount(*pod, name, spec.mounted_anew) : std::vector<std::string>();
    const std::string words = DescribeDeadMount(dead);
    if (!volume->SetDeadIn(dead)) continue;
    const bool over = words.empty();
    Log(over ? LogLevel::kInfo : LogLevel::kWarning,
        over ? "no running container has a dead mount of the volume any more" : words,
        {{log_keys::kVolume, spec.volume_id}, {log_keys::kPod, spec.pod.ns + "/" + spec.pod.name}});
  }
  looked_at_ = std::move(looked_at);
}

std::string VolumeManager::DescribeDeadMounts() const {
  constexpr std::size_t kMostNamed = 5;
  std::size_t containers = 0;
  std::vector<std::string> pods;
  for (const VolumePtr& volume : AllVolumes()) {
    const std::size_t dead = volume->dead_in().size();
    containers += dead;
    const std::string pod = volume->spec().pod.ns + "/" + volume->spec().pod.name;
    if (dead > 0 && std::find(pods.begin(), pods.end(), pod) == pods.end()) pods.push_back(pod);
  }
  if (pods.empty()) return "";
  std::string names;
  for (std::size_t i = 0; i < pods.size() && i < kMostNamed; ++i) names += " " + pods[i];
  if (pods.size() > kMostNamed)
    names += " and " + std::to_string(pods.size() - kMostNamed) + " more";
  return "the mounts of " + std::to_string(containers) +
         " running containers are dead since both sides of the plugin were gone; restart them or "
         "delete their pods:" +
         names;
}

void VolumeManager::ReviewAll() {
  std::map<std::string, bool> answers;  // by ServiceAccount and object
  for (const VolumePtr& volume : AllVolumes()) {
    if (stopping()) return;
    if (!volume->follows()) continue;
    const PublishSpec& spec = volume->spec();
    const Turn turn(*this, spec.volume_id, [this] { return stopping(); });
    if (!turn.had() || Find(spec.volume_id) != volume) continue;
    for (const ObjectKey& object : volume->ToReview()) {
      const std::string question =
          Concat({spec.pod.ns, "/", spec.service_account, " ", object.kind, "/", object.name});
      if (answers.count(question) == 0) {
        auto allowed = parts_.reviewer.MayGet(spec.pod.ns, spec.service_account, object);
        if (!allowed) {
          // A right that was there stays while nobody can say.
          LogWarning("the rights of pods are not known",
                     {{log_keys::kError, allowed.error().message}});
          return;
        }
        answers[question] = *allowed;
      }
      volume->ApplyReview(object, answers[question]);
    }
  }
}

}  // namespace downwardfs
