// SPDX-License-Identifier: Apache-2.0
//
// The adapter over yaml-cpp: YAML text to a flat list of nodes with their places. yaml-cpp's own
// Node type is not used: it resolves nothing as go-yaml does, keeps one allocation and several
// shared pointers per node, and expands aliases without a bound. A value; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace downwardfs {

/// One node of a YAML document.
struct YamlNode {
  enum class Kind : std::uint8_t { kScalar, kSequence, kMapping, kAlias };
  Kind kind = Kind::kScalar;
  bool plain = true;                    ///< a scalar without quotes
  std::uint32_t line = 0;               ///< from 1
  std::uint32_t column = 0;             ///< from 1, in bytes
  std::uint32_t target = 0;             ///< of an alias: the index of the node meant
  std::string tag;                      ///< in full; empty if none is written
  std::string text;                     ///< of a scalar
  std::vector<std::uint32_t> children;  ///< of a mapping: key, value, key, value ...
};

/// One document: nodes[0] is its root.
using YamlNodes = std::vector<YamlNode>;

/// "line 3, column 7".
std::string YamlPlace(std::uint32_t line, std::uint32_t column);

/// Reads all documents of `text`, which must be UTF-8 without a byte order mark. Errors start with
/// the place. At most 8 million nodes; yaml-cpp bounds the depth at 500 or so.
Result<std::vector<YamlNodes>> ReadYamlNodes(std::string_view text);

}  // namespace downwardfs
