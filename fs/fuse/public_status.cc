// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/public_status.h"

#include <nlohmann/json.hpp>

#include "fs/fuse/status_head.h"

namespace downwardfs {
namespace {

using nlohmann::json;

constexpr const char* kPublic[] = {
    "version",        "generation",      "deaths",        "uptimeSeconds", "connected",
    "dataAgeSeconds", "requests",        "pod",           "view",          "podDeleted",
    "problems",       "resourceVersion", "dataDirectory", "files",         "contentBytes",
    "flips",          "liveVersions",    "kernelLookups", "openFiles",     "flipsWithoutEvents",
    "changesBy",      "writableView",    "publishStuck",  "loading",       "objects",
    "namespaces",
};
// Scripts find these members in every status.
constexpr const char* kWithheld[] = {"daemonPid", "holderPid", "source"};
constexpr const char* kErrors[] = {"lastError", "lastFault"};
constexpr char kSeeNode[] = "there is one; `downwardfs status` says which, as root on the node";

bool NamesTheMachine(const std::string& text) {
  return text.find("://") != std::string::npos || text.find('/') == 0 ||
         text.find(" /") != std::string::npos || text.find("\"/") != std::string::npos;
}

// Texts at any depth.
void Withhold(json& value) {
  if (value.is_string()) {
    if (NamesTheMachine(value.get_ref<const std::string&>())) value = kSeeNode;
  } else if (value.is_structured()) {
    for (auto& [key, member] : value.items()) {
      const bool error = key == "lastError" && member.is_string();
      if (error && !member.get_ref<const std::string&>().empty()) {
        member = kSeeNode;
      } else {
        Withhold(member);
      }
    }
  }
}

}  // namespace

std::string PublicStatus(const std::string& full) {
  const json status = json::parse(full, nullptr, /*allow_exceptions=*/false);
  if (!status.is_object()) return "{}";
  json out = json::object();
  for (const char* const key : kPublic) {
    if (const auto found = status.find(key); found != status.end()) out[key] = *found;
  }
  Withhold(out);
  for (const char* const key : kWithheld) out[key] = nullptr;
  for (const char* const key : kErrors) {
    const auto found = status.find(key);
    const bool some = found != status.end() && found->is_string() &&
                      !found->get_ref<const std::string&>().empty();
    out[key] = some ? kSeeNode : "";
  }
  return StatusText(out);
}

}  // namespace downwardfs
