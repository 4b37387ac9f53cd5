// SPDX-License-Identifier: Apache-2.0
//
// Follows a field path through the schema of a Pod and, where one is at hand, through the pod
// itself: the schema says what may be named, the pod what is there, and a field that only the pod
// knows (a newer API server's) is accepted. Any thread.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "fs/projection/document.h"
#include "fs/projection/pod_schema.h"

namespace downwardfs {

/// What a path leads to.
struct FieldTarget {
  std::optional<SchemaType> type;  ///< nothing where the schema does not know the field
  const Json* value = nullptr;     ///< null where the pod has not got it, or there is no pod
};

/// Follows `path`. kInvalidArgument: the syntax is wrong, a Pod has no such field, a step does not
/// fit the field's type (an index of what is no list), or the pod's JSON does not.
Result<FieldTarget> WalkFieldPath(std::string_view path, const Json* pod);

/// kInvalidArgument where the target is not a scalar.
Status CheckScalar(const FieldTarget& target);

}  // namespace downwardfs
