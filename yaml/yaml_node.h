// SPDX-License-Identifier: Apache-2.0
//
// The adapter over libyaml: YAML text to a flat list of nodes with their places. libyaml, because
// go-yaml, which Kubernetes reads manifests with, is a port of it. yaml-cpp was tried first: of
// 6,000 random block and quoted scalars it read 407 otherwise than go-yaml (wrong bytes for "\N"
// and "\_", lost line ends), and it took 300 that go-yaml refuses, among them a quote that the end
// of the file cuts off, which is just what a half-written file looks like. A value; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "yaml/yaml_reader.h"

namespace downwardfs {

/// One node of a YAML document.
struct YamlNode {
  enum class Kind : std::uint8_t { kScalar, kSequence, kMapping, kAlias };
  Kind kind = Kind::kScalar;
  bool plain = true;                    ///< a scalar to be resolved: no quotes, no tag
  std::uint32_t line = 0;               ///< from 1
  std::uint32_t column = 0;             ///< from 1, in characters
  std::uint32_t target = 0;             ///< of an alias: the index of the node meant
  std::string tag;                      ///< in full; empty if none is written
  std::string text;                     ///< of a scalar
  std::vector<std::uint32_t> children;  ///< of a mapping: key, value, key, value ...
};

/// One document: nodes[0] is its root.
using YamlNodes = std::vector<YamlNode>;

/// "line 3, column 7".
std::string YamlPlace(std::size_t line, std::size_t column);

/// Reads the documents of `text` and calls `each` with one after the other. Errors start with the
/// place.
Status ReadYamlNodes(std::string_view text, const YamlLimits& limits,
                     const std::function<Status(const YamlNodes&)>& each);

}  // namespace downwardfs
