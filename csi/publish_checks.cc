// SPDX-License-Identifier: Apache-2.0
#include "csi/publish_checks.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fs/volume/projection_turn.h"
#include "mount-helper/volume_place.h"

namespace downwardfs {
namespace {

using Json = nlohmann::json;

Json Parse(const Object& pod) {
  return Json::parse(pod.Json(), nullptr, /*allow_exceptions=*/false);
}

bool Has(const Json& object, const char* member, const Json& value) {
  const auto found = object.find(member);
  return found != object.end() && *found == value;
}

// The pod's volume `name` (empty: its first) of the driver; null if it has none.
const Json* FindVolume(const Json& pod, const std::string& name, const std::string& driver) {
  const Json::json_pointer volumes("/spec/volumes");
  if (!pod.contains(volumes) || !pod[volumes].is_array()) return nullptr;
  const auto& all = pod[volumes];
  const auto found = std::find_if(all.begin(), all.end(), [&](const Json& volume) {
    if (!volume.is_object() || !volume.contains("csi") || !volume["csi"].is_object()) return false;
    return Has(volume["csi"], "driver", driver) && (name.empty() || Has(volume, "name", name));
  });
  return found == all.end() ? nullptr : &*found;
}

// The first container that mounts the volume without readOnly; empty if all do it read-only.
std::string WritingContainer(const Json& pod, const Json& volume) {
  for (const char* const list : {"initContainers", "containers"}) {
    for (const Json& container : pod["spec"].value(list, Json::array())) {
      if (!container.is_object()) continue;
      for (const Json& mount : container.value("volumeMounts", Json::array())) {
        if (mount.is_object() && mount.value("name", Json()) == volume.value("name", Json()) &&
            !Has(mount, "readOnly", true)) {
          return container.value("name", "");
        }
      }
    }
  }
  return "";
}

// In a user namespace of its own a container cannot take the read-only flag off a mount that it
// gets from the host: the kernel has locked it. runc tries to unless the mount is declared
// read-only, and ends with "cannot clear locked flags MS_RDONLY", which names no cure.
Status CheckUserNamespace(const Json& pod, const Json& volume, const std::string& who) {
  if (!Has(pod["spec"], "hostUsers", false) || Has(volume["csi"], "readOnly", true)) return {};
  const std::string container = WritingContainer(pod, volume);
  if (container.empty()) return {};
  return Fail(ErrorCode::kInvalidArgument,
              who + " has hostUsers: false, and container " + QuoteForMessage(container) +
                  " does not mount the volume read-only, which it is: set csi.readOnly: true at "
                  "the volume");
}

// As the API server fills it in (ServiceAccount admission).
std::string ServiceAccountOf(const Json& pod) {
  const Json::json_pointer account("/spec/serviceAccountName");
  if (!pod.contains(account) || !pod[account].is_string()) return "default";
  auto name = pod[account].get<std::string>();
  return name.empty() ? "default" : name;
}

}  // namespace

ObjectKey KeyOf(const PublishSpec& spec, const Object& pod) {
  ObjectKey key = spec.pod;
  key.uid = pod.meta().uid == spec.pod.uid ? spec.pod.uid : "";
  return key;
}

bool IsPodOf(const PublishSpec& spec, const Object& pod) {
  if (pod.meta().uid == spec.pod.uid) return true;
  const ProjectionTurn turn;
  const Json json = Parse(pod);
  const Json::json_pointer hash("/metadata/annotations/kubernetes.io~1config.hash");
  return json.contains(hash) && json[hash] == spec.pod.uid;
}

Status CheckPlace(const PublishSpec& spec, const std::string& kubelet_dir) {
  if (kubelet_dir.empty()) return {};
  const auto target = ParseKubeletTarget(kubelet_dir, spec.target_path);
  if (!target) {
    return Fail(ErrorCode::kInvalidArgument,
                "target_path " + QuoteForMessage(spec.target_path) + ": must be " + kubelet_dir +
                    "/pods/UID/volumes/kubernetes.io~csi/VOLUME/mount");
  }
  if (target->pod_uid != spec.pod.uid) {
    return Fail(ErrorCode::kInvalidArgument, "target_path " + QuoteForMessage(spec.target_path) +
                                                 ": is not of the pod with uid " + spec.pod.uid);
  }
  return {};
}

Status CheckPod(PublishSpec& spec, const Object& pod, const std::string& kubelet_dir,
                const std::string& driver) {
  const std::string who = "pod " + spec.pod.ns + "/" + spec.pod.name;
  std::string name;
  if (!kubelet_dir.empty()) {
    if (const auto target = ParseKubeletTarget(kubelet_dir, spec.target_path)) {
      name = target->volume;
    }
  }
  const ProjectionTurn turn;
  const Json json = Parse(pod);
  const Json* const volume = json.is_object() ? FindVolume(json, name, driver) : nullptr;
  if (volume == nullptr) {
    return Fail(ErrorCode::kFailedPrecondition, who + ": has no volume " +
                                                    (name.empty() ? "" : "\"" + name + "\" ") +
                                                    "of driver " + driver);
  }
  if (auto done = CheckUserNamespace(json, *volume, who); !done) return done;
  const std::string account = ServiceAccountOf(json);
  if (!spec.service_account.empty() && spec.service_account != account) {
    return Fail(ErrorCode::kInvalidArgument,
                "volume_context csi.storage.k8s.io/serviceAccount.name " +
                    QuoteForMessage(spec.service_account) + ": " + who +
                    " runs as ServiceAccount " + QuoteForMessage(account));
  }
  spec.service_account = account;
  return {};
}

}  // namespace downwardfs
