// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/pod_allocation.h"

#include <nlohmann/json.hpp>

#include "fs/projection/json_access.h"
#include "fs/projection/resource_ref.h"

namespace downwardfs {
namespace {

// The element of `list` whose member `key` is `value`; null if it is missing.
const Json* FindElement(const Json* list, const char* key, const std::string& value) {
  if (list == nullptr || !list->is_array()) return nullptr;
  for (const Json& element : *list) {
    const Json* const member = FindMember(&element, key);
    if (member != nullptr && member->is_string() && *member == value) return &element;
  }
  return nullptr;
}

bool ResizeWaits(const Json* status) {
  const Json* const condition =
      FindElement(FindMember(status, "conditions"), "type", "PodResizePending");
  if (condition != nullptr && ScalarMember(condition, "status") == "True") return true;
  const std::string resize = ScalarMember(status, "resize");
  return resize == "Proposed" || resize == "Deferred" || resize == "Infeasible";
}

bool SameAmounts(const Json& a, const Json& b) {
  for (const auto& [name, amount] : a.items()) {
    const Json* const other = FindMember(&b, name);
    if (other == nullptr) return false;
    const auto left = DecodeQuantity(amount);
    const auto right = DecodeQuantity(*other);
    if (!left || !right || left->Canonical() != right->Canonical()) return false;
  }
  return true;
}

// Puts what is allocated into `resources` of a spec. `allocated` and `limits` may be null.
bool PutResources(Json& resources, const Json* allocated, const Json* limits, bool waits) {
  bool changed = false;
  if (!resources.is_object()) resources = Json::object();
  if (allocated != nullptr && allocated->is_object()) {
    Json& requests = resources["requests"];
    if (!requests.is_object() || !SameAmounts(*allocated, requests)) {
      requests = *allocated;
      changed = waits = true;
    }
  }
  if (!waits || limits == nullptr || !limits->is_object()) return changed;
  Json& own = resources["limits"];
  if (own == *limits) return changed;
  own = *limits;
  return true;
}

bool PutStatus(Json& owner, const Json* status, bool waits) {
  const Json* const allocated = FindMember(status, "allocatedResources");
  const Json* const actual = FindMember(status, "resources");
  if (allocated == nullptr && actual == nullptr) return false;
  Json resources = owner.value("resources", Json::object());
  if (!PutResources(resources, allocated, FindMember(actual, "limits"), waits)) return false;
  owner["resources"] = std::move(resources);
  return true;
}

}  // namespace

std::optional<Json> AllocatedPod(const Json& pod) {
  const Json* const status = FindMember(&pod, "status");
  const Json* const spec = FindMember(&pod, "spec");
  if (status == nullptr || !status->is_object() || spec == nullptr || !spec->is_object()) {
    return std::nullopt;
  }
  const bool waits = ResizeWaits(status);
  Json allocated = *spec;
  bool changed = PutStatus(allocated, status, waits);
  for (const auto& [list, status_list] : {std::pair("containers", "containerStatuses"),
                                          std::pair("initContainers", "initContainerStatuses")}) {
    const auto containers = allocated.find(list);
    if (containers == allocated.end() || !containers->is_array()) continue;
    for (Json& container : *containers) {
      if (!container.is_object()) continue;
      const Json* const of_container =
          FindElement(FindMember(status, status_list), "name", ScalarMember(&container, "name"));
      changed = PutStatus(container, of_container, waits) || changed;
    }
  }
  if (!changed) return std::nullopt;
  Json result = pod;
  result["spec"] = std::move(allocated);
  return result;
}

}  // namespace downwardfs
