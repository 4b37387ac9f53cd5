// SPDX-License-Identifier: Apache-2.0
// Whether a volume may be published where it wants to be, beside all others of the node and those
// whose publish is under way.
#include "csi/publish_place.h"

#include <set>

#include "base/text.h"
#include "csi/publish_checks.h"
#include "mount-helper/volume_place.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMostVolumesPerPod = 64;

}  // namespace

// Looks and takes in one step, so that of several publishes at once no more than the limit pass.
Status VolumeManager::TakePlace(const PublishSpec& spec) {
  if (auto good = CheckPlace(spec, options_.kubelet_dir); !good) return good;
  MutexLock lock(mutex_);
  if (auto good = CheckTarget(spec); !good) return good;
  places_[spec.volume_id] = {spec.pod.uid, spec.target_path};
  return {};
}

// That the path is one for this volume, and no other's.
Status VolumeManager::CheckTarget(const PublishSpec& spec) const {
  std::set<std::string> of_pod;  // by id: one may be lost and be mounted anew just now
  Status good;
  const auto look = [&](const std::string& id, const std::string& uid, const std::string& path) {
    if (id == spec.volume_id) return;
    if (uid == spec.pod.uid) of_pod.insert(id);
    if (path != spec.target_path || !good) return;
    good = Fail(ErrorCode::kAlreadyExists, "target_path " + QuoteForMessage(spec.target_path) +
                                               ": volume " + id + " is published there");
  };
  for (const auto& [id, volume] : volumes_) {
    look(id, volume->spec().pod.uid, volume->spec().target_path);
  }
  for (const auto& [id, place] : places_) look(id, place.first, place.second);
  for (const auto& [id, lost] : lost_) look(id, lost.pod.uid, lost.target_path);
  if (!good) return good;
  const auto unread = unread_.find(spec.volume_id);
  if (unread != unread_.end() && PlainPath(unread->second.path) != spec.target_path) {
    return Fail(ErrorCode::kFailedPrecondition,
                "volume " + spec.volume_id + ": is published already, at " +
                    QuoteForMessage(unread->second.path, kWholePath));
  }
  if (of_pod.size() >= kMostVolumesPerPod) {
    return Fail(ErrorCode::kResourceExhausted,
                "pod " + spec.pod.ns + "/" + spec.pod.name + ": has " +
                    std::to_string(of_pod.size()) +
                    " volumes of this driver already, the most that a pod may have");
  }
  return {};
}

}  // namespace downwardfs
