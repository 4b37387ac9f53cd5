// SPDX-License-Identifier: Apache-2.0
#include "sources/pod_defaults.h"

#include <nlohmann/json.hpp>

namespace downwardfs {
namespace {

void RequestWhatIsLimited(Json& container) {
  const auto resources = container.find("resources");
  if (resources == container.end()) return;
  const auto limits = resources->find("limits");
  if (limits == resources->end()) return;
  const Json limited = *limits;
  Json& requests = (*resources)["requests"];
  if (requests.is_null()) requests = Json::object();
  for (const auto& [name, quantity] : limited.items()) requests.emplace(name, quantity);
}

// The conversion of core/v1 and the ServiceAccount plugin: `serviceAccount` is the old name.
void NameServiceAccount(Json& spec) {
  std::string name = spec.value("serviceAccountName", "");
  const auto old = spec.find("serviceAccount");
  if (name.empty() && old != spec.end() && old->is_string()) name = *old;
  if (name.empty()) name = "default";
  spec["serviceAccountName"] = name;
  spec["serviceAccount"] = name;
}

}  // namespace

void SetPodDefaults(Json& pod) {
  const auto spec = pod.find("spec");
  if (spec == pod.end()) return;
  NameServiceAccount(*spec);
  for (const char* key : {"containers", "initContainers"}) {
    const auto containers = spec->find(key);
    if (containers == spec->end()) continue;
    for (Json& container : *containers) RequestWhatIsLimited(container);
  }
}

}  // namespace downwardfs
