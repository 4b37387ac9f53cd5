// SPDX-License-Identifier: Apache-2.0
//
// YAML (yaml/yaml_reader.h) or JSON read into a plain tree, and a view on it whose getters name the
// path and the line in their errors and never a value, for values here are tokens and keys. Hostile
// input is bounded: depth, nodes, what aliases add, duplicate keys. No I/O. Values; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace downwardfs::client {

/// One value and all below it.
struct YamlNode {
  enum class Kind { kNull, kBool, kNumber, kString, kList, kMap };

  static constexpr std::size_t kMaxDepth = 64;
  static constexpr std::size_t kMaxNodes = 200000;  ///< 1,000 contexts have about 20,000
  /// The nodes that aliases add to those.
  static constexpr std::size_t kMaxAliased = 10000;

  Kind kind = Kind::kNull;
  std::string text;  ///< of a scalar, as written; "true" or "false" for a boolean
  std::size_t line = 0;
  std::vector<std::string> keys;  ///< of a map, unique; keys[i] belongs to items[i]
  std::vector<YamlNode> items;    ///< of a list or a map, in order

  /// The value under `key` of a map; null if it is missing (or this is no map).
  const YamlNode* Find(std::string_view key) const;
};

/// Reads the first document, JSON if it starts with '{' and is JSON, otherwise YAML. Nothing but
/// white space and comments gives a null node. kInvalidArgument with line and column, without
/// content.
Result<YamlNode> ParseYaml(std::string_view bytes);

/// The node as compact JSON (numbers that JSON cannot spell become strings).
std::string YamlToJson(const YamlNode& node);

/// A node with the path that leads to it. It points into a tree that must outlive it. An absent
/// key and null are the same, and read as empty: so does Go's decoder.
class YamlView {
 public:
  YamlView(const YamlNode& node, std::string path) : node_(&node), path_(std::move(path)) {}

  const YamlNode& node() const { return *node_; }
  /// "clusters[1].cluster", for messages.
  const std::string& path() const { return path_; }

  /// A map, or nothing (null). Anything else is an error; the getters below then see no key.
  Status CheckMap() const;

  bool Has(std::string_view key) const;
  Result<std::string> String(std::string_view key) const;
  Result<bool> Bool(std::string_view key) const;
  Result<std::vector<std::string>> Strings(std::string_view key) const;
  /// The map under `key`, or an empty one.
  Result<YamlView> Map(std::string_view key) const;
  /// The maps of the list under `key`.
  Result<std::vector<YamlView>> Maps(std::string_view key) const;

  /// An error about the value under `key`: "users[0].user.token (line 7): MESSAGE".
  Error Invalid(std::string_view key, std::string_view message) const;

 private:
  /// Checked child: null when absent, an error when it is of another kind.
  Result<const YamlNode*> Child(std::string_view key, YamlNode::Kind kind) const;
  std::string PathOf(std::string_view key) const;

  const YamlNode* node_;
  std::string path_;
};

}  // namespace downwardfs::client
