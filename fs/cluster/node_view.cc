// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/node_view.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fs/cluster/file_names.h"
#include "fs/projection/field_ref.h"
#include "fs/projection/json_access.h"
#include "fs/projection/resource_ref.h"

namespace downwardfs {
namespace {

void Map(const Json* metadata, const std::string& name, std::vector<ProjectedFile>& files) {
  const Json* const map = FindMember(metadata, name);
  ProjectedFile& file = files.emplace_back();
  file.path = name;
  file.source = "metadata." + name;
  if (map != nullptr && map->is_object()) file.content = FormatMap(*map);
}

void Amounts(const Json* status, const std::string& name, std::vector<ProjectedFile>& files) {
  const Json* const amounts = FindMember(status, name);
  if (amounts == nullptr || !amounts->is_object()) return;
  for (const auto& [resource, amount] : amounts->items()) {
    ProjectedFile& file = files.emplace_back();
    file.path = Concat({name, "/", ToFileName(resource)});
    file.source = Concat({"status.", name, "['", resource, "']"});
    if (auto quantity = DecodeQuantity(amount)) {
      file.content = quantity->Canonical();
    } else {
      file.problem = std::move(quantity.error().message);
    }
  }
}

void Conditions(const Json* status, std::vector<ProjectedFile>& files) {
  const Json* const conditions = FindMember(status, "conditions");
  if (conditions == nullptr || !conditions->is_array()) return;
  for (const Json& condition : *conditions) {
    const std::string type = ScalarMember(&condition, "type");
    if (type.empty()) continue;
    ProjectedFile& file = files.emplace_back();
    file.path = "conditions/" + ToFileName(type);
    file.source = Concat({"status.conditions[type=", type, "].status"});
    file.content = ScalarMember(&condition, "status");
  }
}

}  // namespace

std::vector<ProjectedFile> ProjectNodeFields(const Json& node) {
  std::vector<ProjectedFile> files;
  const Json* const metadata = FindMember(&node, "metadata");
  const Json* const status = FindMember(&node, "status");
  Map(metadata, "labels", files);
  Map(metadata, "annotations", files);
  Amounts(status, "allocatable", files);
  Amounts(status, "capacity", files);
  Conditions(status, files);
  return files;
}

std::vector<std::string> NodeFieldNames() {
  return {"annotations", "labels"};
}

std::vector<std::string> NodeDirectoryNames() {
  return {"allocatable", "capacity", "conditions"};
}

}  // namespace downwardfs
