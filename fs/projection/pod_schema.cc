// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/pod_schema.h"

namespace downwardfs {
namespace {

// "[Type]", "[]", "{}", "Type" or "" as a type.
SchemaType ParseType(std::string_view text) {
  if (text.empty()) return {};
  if (text.front() == '{') return {SchemaType::Shape::kMap, {}};
  if (text.front() == '[') return {SchemaType::Shape::kList, text.substr(1, text.size() - 2)};
  return {SchemaType::Shape::kStruct, text};
}

}  // namespace

SchemaType PodSchema() {
  return {SchemaType::Shape::kStruct, "Pod"};
}

std::optional<SchemaType> SchemaMember(const SchemaType& type, std::string_view member) {
  if (type.shape != SchemaType::Shape::kStruct) return std::nullopt;
  const SchemaStruct* row = FindSchemaStruct(type.struct_name);
  if (row == nullptr) return std::nullopt;
  std::string_view rest = row->members;
  while (!rest.empty()) {
    const std::string_view token = rest.substr(0, rest.find(' '));
    rest.remove_prefix(token.size() < rest.size() ? token.size() + 1 : token.size());
    const std::string_view name = token.substr(0, token.find(':'));
    if (name != member) continue;
    return ParseType(name.size() == token.size() ? "" : token.substr(name.size() + 1));
  }
  return std::nullopt;
}

SchemaType SchemaElement(const SchemaType& list_or_map) {
  if (list_or_map.struct_name.empty()) return {};
  return {SchemaType::Shape::kStruct, list_or_map.struct_name};
}

}  // namespace downwardfs
