// SPDX-License-Identifier: Apache-2.0
//
// Follows a field path through the schema of a Pod and, where one is at hand, through the pod
// itself: the schema says what may be named, the pod what is there. A field that only the pod knows
// is accepted. Any thread.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "fs/projection/document.h"
#include "fs/projection/pod_schema.h"

namespace downwardfs {

/// The place that a path leads to.
struct FieldTarget {
  std::optional<SchemaType> type;  ///< nothing where the schema does not know the field
  const Json* value = nullptr;     ///< null where the pod has not got it, or there is no pod
};

/// A field that neither the schema nor the pod has.
enum class UnknownFields {
  kRefused,
  kEmpty,  ///< of a pod from an API server: a newer server knows fields that the schema lacks
};

/// Follows `path`. kInvalidArgument: the syntax is wrong, a Pod has no such field, a step does not
/// fit the field's type (an index of what is no list), or the pod's JSON does not. With kEmpty an
/// unknown field leads to a target with neither type nor value.
Result<FieldTarget> WalkFieldPath(std::string_view path, const Json* pod,
                                  UnknownFields unknown = UnknownFields::kRefused);

/// kInvalidArgument if the target is an object or a map: only a scalar or a list has a text.
Status CheckHasText(const FieldTarget& target);

}  // namespace downwardfs
