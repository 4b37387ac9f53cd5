// SPDX-License-Identifier: Apache-2.0
//
// YAML text as JSON, as sigs.k8s.io/yaml makes it (yaml/yaml_reader.h has the rules and the
// limits). Pure functions; any thread.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "fs/projection/document.h"
#include "yaml/yaml_reader.h"

namespace downwardfs {

/// The documents of `text`; an empty document is null. The text must be UTF-8. Errors are
/// kInvalidArgument and start with "YAML: line L, column C: ".
Result<std::vector<Json>> ParseYamlDocuments(std::string_view text, const YamlLimits& limits = {});

}  // namespace downwardfs
