// SPDX-License-Identifier: Apache-2.0
//
// What a plain (unquoted, untagged) YAML scalar is: YAML 1.1 in the dialect of go-yaml v2, as
// kubectl reads its kubeconfigs. `y`, `No` and `off` are booleans; 1_000, 0x1f and 1e3 are numbers;
// 1e999 and 2001-01-02 are strings. Pure functions; any thread.
#pragma once

#include <initializer_list>
#include <string_view>

#include "client/config/yaml_tree.h"

namespace downwardfs::client {

YamlNode::Kind PlainScalarKind(std::string_view text);

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words);

}  // namespace downwardfs::client
