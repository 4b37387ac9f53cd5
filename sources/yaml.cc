// SPDX-License-Identifier: Apache-2.0
#include "sources/yaml.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.h"
#include "sources/yaml_node.h"
#include "sources/yaml_scalar.h"

namespace downwardfs {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string PlaceOfByte(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return YamlPlace(lines + 1, at - line_start + 1);
}

// True if a character that YAML 1.1 does not allow starts at `at`: C0 and C1 controls, DEL, U+FFFE,
// U+FFFF, and a byte order mark inside the text.
bool IsForbidden(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x20) return byte != '\t' && byte != '\n' && byte != '\r';
  if (byte < 0x7f) return false;
  if (byte == 0x7f) return true;
  if (byte == 0xc2) {
    const auto next = static_cast<unsigned char>(text[at + 1]);
    return next < 0xa0 && next != 0x85;
  }
  const std::string_view three = text.substr(at, 3);
  return three == "\xef\xbf\xbe" || three == "\xef\xbf\xbf" || three == kByteOrderMark;
}

Status CheckCharacters(std::string_view text) {
  if (const auto at = FirstInvalidUtf8(text); at != std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                PlaceOfByte(text, at) + " (byte " + std::to_string(at) + "): not valid UTF-8");
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (IsForbidden(text, i)) {
      return Fail(ErrorCode::kInvalidArgument,
                  PlaceOfByte(text, i) + ": control characters are not allowed");
    }
  }
  return {};
}

// Turns the nodes of one document into JSON.
class Converter {
 public:
  explicit Converter(const YamlNodes& nodes) : nodes_(nodes), on_path_(nodes.size()) {}

  Result<Json> Convert(std::uint32_t index) {
    const YamlNode& node = nodes_[index];
    if (alias_depth_ > 0 && !Charge(node)) {
      return FailAt(node, "aliases expand to more than " + std::to_string(kMaxAliasedNodes) +
                              " nodes or " + std::to_string(kMaxAliasedBytes) + " bytes");
    }
    if (node.kind == YamlNode::Kind::kAlias) return ConvertAlias(node);
    if (node.kind == YamlNode::Kind::kScalar) {
      auto value = Scalar(node);
      if (!value) return Fail(std::move(value.error()));
      auto json = YamlValueToJson(std::move(*value));
      if (!json) return FailAt(node, json.error().message);
      return json;
    }
    if (depth_ >= kMaxYamlDepth) {
      return FailAt(node, "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels");
    }
    ++depth_;
    on_path_[index] = true;
    auto result =
        node.kind == YamlNode::Kind::kSequence ? ConvertSequence(node) : ConvertMapping(node);
    on_path_[index] = false;
    --depth_;
    return result;
  }

 private:
  static tl::unexpected<Error> FailAt(const YamlNode& node, const std::string& message) {
    return Fail(ErrorCode::kInvalidArgument, YamlPlace(node.line, node.column) + ": " + message);
  }

  bool Charge(const YamlNode& node) {
    aliased_bytes_ += node.text.size();
    return ++aliased_nodes_ <= kMaxAliasedNodes && aliased_bytes_ <= kMaxAliasedBytes;
  }

  static Result<YamlValue> Scalar(const YamlNode& node) {
    auto value = ResolveYamlScalar(node.text, node.plain, node.tag);
    if (!value) return FailAt(node, value.error().message);
    return value;
  }

  Result<Json> ConvertAlias(const YamlNode& node) {
    if (on_path_[node.target]) return FailAt(node, "the alias stands inside what it refers to");
    ++alias_depth_;
    auto result = Convert(node.target);
    --alias_depth_;
    return result;
  }

  Result<Json> ConvertSequence(const YamlNode& node) {
    Json out = Json::array();
    for (const std::uint32_t child : node.children) {
      auto value = Convert(child);
      if (!value) return value;
      out.push_back(std::move(*value));
    }
    return out;
  }

  const YamlNode& Follow(const YamlNode& node) const {
    return node.kind == YamlNode::Kind::kAlias ? nodes_[node.target] : node;
  }

  static bool IsMergeKey(const YamlNode& node) {
    return node.kind == YamlNode::Kind::kScalar && node.text == "<<" &&
           (node.tag.empty() ? node.plain : node.tag == "tag:yaml.org,2002:merge");
  }

  Result<std::string> Key(const YamlNode& written) const {
    const YamlNode& node = Follow(written);
    if (node.kind != YamlNode::Kind::kScalar) {
      return FailAt(written, "a key must be a scalar, not a list or a mapping");
    }
    auto value = Scalar(node);
    if (!value) return Fail(std::move(value.error()));
    auto key = YamlValueToKey(std::move(*value));
    if (!key) return FailAt(written, key.error().message);
    return key;
  }

  Result<Json> ConvertMapping(const YamlNode& node) {
    Json out = Json::object();
    std::map<std::string, std::uint32_t> lines;  // of the keys written in this mapping
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      const YamlNode& key_node = nodes_[node.children[i]];
      if (IsMergeKey(key_node)) {
        if (auto merged = Merge(node.children[i + 1], out); !merged) {
          return Fail(std::move(merged.error()));
        }
        continue;
      }
      auto key = Key(key_node);
      if (!key) return Fail(std::move(key.error()));
      const auto [first, is_new] = lines.emplace(*key, key_node.line);
      if (!is_new) {
        return FailAt(key_node, "duplicate key " + QuoteForMessage(*key) + ", first on line " +
                                    std::to_string(first->second));
      }
      auto value = Convert(node.children[i + 1]);
      if (!value) return value;
      out[*key] = std::move(*value);
    }
    return out;
  }

  Status Merge(std::uint32_t index, Json& out) {
    const YamlNode& node = nodes_[index];
    if (node.kind == YamlNode::Kind::kSequence) {
      for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
        if (auto merged = MergeOne(*child, out); !merged) return merged;
      }
      return {};
    }
    return MergeOne(index, out);
  }

  Status MergeOne(std::uint32_t index, Json& out) {
    const YamlNode& node = nodes_[index];
    if (Follow(node).kind != YamlNode::Kind::kMapping) {
      return FailAt(node, "the value of << must be a mapping or a list of mappings");
    }
    auto merged = Convert(index);
    if (!merged) return Fail(std::move(merged.error()));
    for (auto& [key, value] : merged->items()) out[key] = std::move(value);
    return {};
  }

  const YamlNodes& nodes_;
  std::vector<bool> on_path_;
  std::size_t depth_ = 0;
  int alias_depth_ = 0;
  std::size_t aliased_nodes_ = 0;
  std::size_t aliased_bytes_ = 0;
};

Result<std::vector<Json>> Parse(std::string_view text) {
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  if (auto checked = CheckCharacters(text); !checked) return Fail(std::move(checked.error()));
  auto documents = ReadYamlNodes(text);
  if (!documents) return Fail(std::move(documents.error()));
  std::vector<Json> out;
  for (const YamlNodes& nodes : *documents) {
    if (nodes.empty()) {
      out.emplace_back(nullptr);
      continue;
    }
    auto json = Converter(nodes).Convert(0);
    if (!json) return Fail(std::move(json.error()));
    out.push_back(std::move(*json));
  }
  return out;
}

}  // namespace

Result<std::vector<Json>> ParseYamlDocuments(std::string_view text) {
  auto documents = Parse(text);
  if (!documents) return Fail(std::move(documents.error()), "YAML");
  return documents;
}

}  // namespace downwardfs
