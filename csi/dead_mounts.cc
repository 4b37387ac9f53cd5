// SPDX-License-Identifier: Apache-2.0
#include "csi/dead_mounts.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"

namespace downwardfs {
namespace {

using Json = nlohmann::json;

// The lists of the spec and of the status that say the same containers.
constexpr std::pair<const char*, const char*> kLists[] = {
    {"containers", "containerStatuses"},
    {"initContainers", "initContainerStatuses"},
    {"ephemeralContainers", "ephemeralContainerStatuses"},
};

const Json* MemberOf(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string TextOf(const Json& object, const char* name) {
  const Json* const text = MemberOf(object, name);
  return text != nullptr && text->is_string() ? text->get<std::string>() : "";
}

bool Mounts(const Json& container, const std::string& volume) {
  const Json* const mounts = MemberOf(container, "volumeMounts");
  return mounts != nullptr && mounts->is_array() &&
         std::any_of(mounts->begin(), mounts->end(), [&](const Json& mount) {
           return volume.empty() || TextOf(mount, "name") == volume;
         });
}

// Since when it runs, as metav1.Time is written ("2026-11-27T06:00:00Z"); nothing: it does not run.
std::optional<std::int64_t> RunsSince(const Json& status) {
  const Json* const state = MemberOf(status, "state");
  const Json* const running = state != nullptr ? MemberOf(*state, "running") : nullptr;
  if (running == nullptr) return std::nullopt;
  std::tm parts = {};
  const std::string text = TextOf(*running, "startedAt");
  const char* const end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return timegm(&parts);
}

}  // namespace

std::vector<std::string> ContainersWithDeadMount(const Object& pod, const std::string& volume,
                                                 std::int64_t mounted_anew) {
  std::vector<std::string> dead;
  const Json json = Json::parse(pod.Json(), nullptr, /*allow_exceptions=*/false);
  const Json* const spec = MemberOf(json, "spec");
  const Json* const status = MemberOf(json, "status");
  if (mounted_anew == 0 || spec == nullptr || status == nullptr) return dead;
  for (const auto& [in_spec, in_status] : kLists) {
    const Json* const containers = MemberOf(*spec, in_spec);
    const Json* const statuses = MemberOf(*status, in_status);
    if (containers == nullptr || statuses == nullptr) continue;
    if (!containers->is_array() || !statuses->is_array()) continue;
    std::set<std::string> mounting;
    for (const Json& container : *containers) {
      if (Mounts(container, volume)) mounting.insert(TextOf(container, "name"));
    }
    for (const Json& one : *statuses) {
      const auto since = RunsSince(one);
      const std::string name = TextOf(one, "name");
      if (since && *since < mounted_anew && mounting.count(name) != 0) dead.push_back(name);
    }
  }
  return dead;
}

std::string DescribeDeadMount(const std::vector<std::string>& containers) {
  if (containers.empty()) return "";
  std::string names;
  for (const std::string& name : containers) names += (names.empty() ? "" : ", ") + OneLine(name);
  return "the mount is dead in running containers (" + names +
         "), because both sides of the plugin had gone; restart these containers or delete the pod";
}

}  // namespace downwardfs
