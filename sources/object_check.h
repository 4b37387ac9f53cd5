// SPDX-License-Identifier: Apache-2.0
//
// The checks of a manifest before the rest of the program may trust it: the API server's type
// checks on the fields that are used here, with messages that name the field by its path. Unknown
// fields pass. A null counts as absent, as Go decodes it, and is removed. Pure functions on the
// caller's value; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "fs/projection/document.h"

namespace downwardfs {

/// The words for a value, for "found ...": `the number 1.0`, `the text "x"`, `a list`, `nothing`.
std::string DescribeJson(const Json& value);

/// `path` and the member `key` below it: `metadata.labels.app`, `metadata.labels['a/b']`.
std::string MemberPath(std::string_view path, std::string_view key);

/// The member `key` of the object `parent`; a null Json if it is absent.
const Json& MemberOrNull(const Json& parent, std::string_view key);

/// Removes what is null, everywhere below `value`; in labels and annotations it becomes "".
void DropNulls(Json& value);

/// Checks `metadata`, which becomes an object if it is null: labels and annotations are maps of
/// strings; namespace, uid, resourceVersion and generateName are strings. Removes managedFields.
Status CheckMetadata(Json& metadata, const std::string& path);

/// Checks metadata.namespace, if there: a DNS label (RFC 1123). The form of a name is left
/// to the API server, which a manifest may not have met yet: it may be missing (generateName).
Status CheckNamespace(const Json& metadata, const std::string& path);

/// Checks a pod's spec: containers, initContainers and ephemeralContainers are lists of objects
/// with names, env values are strings, resources are maps of quantities, volumes have names.
Status CheckPodSpec(const Json& spec, const std::string& path);

/// Checks that `quantities` is absent or a map of texts or numbers.
Status CheckQuantities(const Json& quantities, const std::string& path);

}  // namespace downwardfs
