// SPDX-License-Identifier: Apache-2.0
#include "sources/pod_template.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "sources/object_check.h"

namespace downwardfs {
namespace {

struct Workload {
  std::string_view kind;
  std::string_view groups;  // "|group|group|"; the core group is empty
  std::vector<const char*> template_at;
  // The pod's owner; empty: the workload itself (nothing for a PodTemplate).
  std::string_view owner_kind = {};
  std::string_view owner_api_version = {};
};

const std::array<Workload, 8>& Workloads() {
  static const std::array<Workload, 8> workloads = {{
      {"Deployment", "|apps|extensions|", {"spec", "template"}, "ReplicaSet", "apps/v1"},
      {"StatefulSet", "|apps|", {"spec", "template"}},
      {"DaemonSet", "|apps|extensions|", {"spec", "template"}},
      {"ReplicaSet", "|apps|extensions|", {"spec", "template"}},
      {"ReplicationController", "||", {"spec", "template"}},
      {"Job", "|batch|", {"spec", "template"}},
      {"CronJob", "|batch|", {"spec", "jobTemplate", "spec", "template"}, "Job", "batch/v1"},
      {"PodTemplate", "||", {"template"}},
  }};
  return workloads;
}

const Workload* Find(const std::string& api_version, const std::string& kind) {
  const auto slash = api_version.find('/');
  std::string group("|");
  if (slash != std::string::npos) group.append(api_version, 0, slash);
  group += '|';
  for (const Workload& workload : Workloads()) {
    if (workload.kind == kind && workload.groups.find(group) != std::string_view::npos) {
      return &workload;
    }
  }
  return nullptr;
}

Json OwnerReferences(const Workload& workload, const Json& object, const std::string& name) {
  Json owner = {{"controller", true}, {"blockOwnerDeletion", true}, {"name", name}};
  if (workload.owner_kind.empty()) {
    owner["kind"] = object.at("kind");
    owner["apiVersion"] = object.at("apiVersion");
    owner["uid"] = object.at("metadata").value("uid", "");
  } else {
    owner["kind"] = workload.owner_kind;
    owner["apiVersion"] = workload.owner_api_version;
    owner["uid"] = "";
  }
  return Json::array({std::move(owner)});
}

}  // namespace

bool HasPodTemplate(const std::string& api_version, const std::string& kind) {
  return Find(api_version, kind) != nullptr;
}

Result<Json> PodFromTemplate(Json workload, const std::string& path) {
  const Workload& kind = *Find(workload.at("apiVersion"), workload.at("kind"));
  Json& metadata = workload["metadata"];
  if (metadata.is_null()) metadata = Json::object();
  const std::string metadata_path = MemberPath(path, "metadata");
  if (auto checked = CheckMetadata(metadata, metadata_path); !checked) {
    return Fail(std::move(checked.error()));
  }
  if (auto checked = CheckNamespace(metadata, metadata_path); !checked) {
    return Fail(std::move(checked.error()));
  }

  Json* at = &workload;
  std::string at_path = path;
  for (const char* key : kind.template_at) {
    at_path = MemberPath(at_path, key);
    if (!at->contains(key) || !at->at(key).is_object()) {
      return Fail(ErrorCode::kInvalidArgument,
                  at_path + ": must be a mapping, found " + DescribeJson(MemberOrNull(*at, key)));
    }
    at = &at->at(key);
  }
  Json& pod_metadata = (*at)["metadata"];
  if (auto checked = CheckMetadata(pod_metadata, MemberPath(at_path, "metadata")); !checked) {
    return Fail(std::move(checked.error()));
  }
  if (auto checked = CheckPodSpec(MemberOrNull(*at, "spec"), MemberPath(at_path, "spec"));
      !checked) {
    return Fail(std::move(checked.error()));
  }

  const std::string name = metadata.value("name", "");
  Json pod = {{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", Json::object()}};
  for (const char* key : {"labels", "annotations", "finalizers"}) {
    if (pod_metadata.contains(key)) pod["metadata"][key] = std::move(pod_metadata[key]);
  }
  pod["metadata"]["name"] = kind.kind == "StatefulSet" ? name + "-0" : name;
  pod["metadata"]["namespace"] = metadata.value("namespace", "");
  if (kind.kind != "PodTemplate") {
    pod["metadata"]["ownerReferences"] = OwnerReferences(kind, workload, name);
  }
  pod["spec"] = std::move(at->at("spec"));
  return pod;
}

}  // namespace downwardfs
