// SPDX-License-Identifier: Apache-2.0
//
// YAML text as Kubernetes' tools read it: the JSON that sigs.k8s.io/yaml makes of it (see
// yaml_scalar.h for what a scalar means). Merge keys as in go-yaml v2: `<<` sets the merged keys at
// its place, so an explicit key after it wins and one before it loses; of several merged maps the
// first wins. Stricter than go-yaml: duplicate keys are refused. Hostile input is bounded: see the
// limits below and in yaml_node.h. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fs/projection/document.h"

namespace downwardfs {

/// What aliases (`*name`) may add to a document, over all places where they are used.
inline constexpr std::size_t kMaxAliasedNodes = 100'000;
inline constexpr std::size_t kMaxAliasedBytes = std::size_t{64} << 20;

/// The documents of `text`; an empty document is null. The text must be UTF-8. Errors are
/// kInvalidArgument and start with "YAML: line L, column C: ".
Result<std::vector<Json>> ParseYamlDocuments(std::string_view text);

}  // namespace downwardfs
