// SPDX-License-Identifier: Apache-2.0
//
// Which fields a core/v1 Pod can have, so that a misspelt path is an error and a field that is not
// there yet (podIP before the start) is an empty file. The names come from Kubernetes' OpenAPI
// document of 1.20 and the fields added up to 1.34; all types but struct, list and map are one
// scalar. Constant data; any thread.
#pragma once

#include <optional>
#include <string_view>

namespace downwardfs {

/// The type of a field of a Pod.
struct SchemaType {
  enum class Shape { kScalar, kStruct, kList, kMap };
  Shape shape = Shape::kScalar;
  /// The struct's name, or that of a list's elements; empty where those are scalars. A map's values
  /// are always scalars.
  std::string_view struct_name;
};

/// The type of a whole Pod.
SchemaType PodSchema();

/// The type of a struct's member; nothing if `type` is not a struct or has no such member.
std::optional<SchemaType> SchemaMember(const SchemaType& type, std::string_view member);

/// The type of a list's elements or a map's values.
SchemaType SchemaElement(const SchemaType& list_or_map);

/// A row of the table: the members of one struct, separated by spaces. `name` is a scalar,
/// `name:Type` a struct, `name:[Type]` a list of structs, `name:[]` a list of scalars, and
/// `name:{}` a map to scalars.
struct SchemaStruct {
  std::string_view name;
  std::string_view members;
};

/// The row of the struct `name`; null if it is missing.
const SchemaStruct* FindSchemaStruct(std::string_view name);

}  // namespace downwardfs
