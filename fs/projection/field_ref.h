// SPDX-License-Identifier: Apache-2.0
//
// fieldRef: a field of the pod as the text of a file. The kubelet's five fields follow Kubernetes'
// pkg/fieldpath/fieldpath.go byte for byte; the env-only fields, any other scalar or list of the
// pod by its path and fields of its node and namespace go beyond it. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fs/projection/document.h"
#include "fs/projection/field_walk.h"

namespace downwardfs {

/// "metadata.labels['k']" split into path and subscript: from the first `['` to the final `']`
/// (SplitMaybeSubscriptedPath). Nothing if there is no subscript or no path before it.
struct SubscriptedPath {
  std::string_view path;
  std::string_view subscript;
};
std::optional<SubscriptedPath> SplitSubscript(std::string_view field_path);

/// IsQualifiedName of apimachinery's validation: the reasons why `name` is not one; empty if it is.
std::vector<std::string> QualifiedNameErrors(std::string_view name);

/// FormatMap: keys sorted bytewise, `key="value"` lines joined by \n, values as GoQuote.
std::string FormatMap(const Json& string_map);

/// The objects that a field path may lead into. `node` and `ns` (the pod's Namespace) are null
/// where they are not known.
struct FieldObjects {
  const Json& pod;
  const Json* node = nullptr;
  const Json* ns = nullptr;
};

/// Whether the path is one of the pod's node (it begins with `node.`) or of its namespace
/// (`namespace.`).
bool IsNodeField(std::string_view field_path);
bool IsNamespaceField(std::string_view field_path);

/// Checks a field path: kInvalidArgument for one that no pod can have ("metadata.nam"), an invalid
/// label key, a subscript where there is no map. With `kubelet_only`, everything but the kubelet's
/// five fields (and their subscripts) is refused. "spec.host" is "spec.nodeName". A field that this
/// build's schema does not know is refused, unless the object at hand, `pod`, has it or `unknown`
/// says that it is empty.
Status ValidateFieldPath(std::string_view field_path, bool kubelet_only, const Json* pod = nullptr,
                         UnknownFields unknown = UnknownFields::kRefused);

/// The field's text; of a list, JSON with sorted keys. A field that the pod could have but has not
/// (yet) is empty. Fields under `node.` and `namespace.` come from those objects:
/// kFailedPrecondition if it is null. kInvalidArgument for a path that names no field, an object or
/// a map.
Result<std::string> FieldValue(std::string_view field_path, const FieldObjects& of,
                               UnknownFields unknown = UnknownFields::kRefused);

}  // namespace downwardfs
