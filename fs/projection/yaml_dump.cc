// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/yaml_dump.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "fs/projection/yaml_dump_order.h"
#include "fs/projection/yaml_dump_writer.h"

namespace downwardfs {
namespace {

std::string ReplaceInvalid(std::string_view text) {
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
  if (ascii) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const YamlRune rune = FirstRune(text);
    out += rune.valid ? text.substr(0, rune.size) : "\xef\xbf\xbd";
    text.remove_prefix(rune.size);
  }
  return out;
}

// Each node stands behind what names it ("key:", "-"); the indent is that of the block it is in.
class Emitter {
 public:
  std::string Run(const Json& value) {
    if (IsBlock(value)) {
      Block(value, 0);
    } else {
      Scalar(value, 2);
    }
    writer_.Indent(0);
    return writer_.Take();
  }

 private:
  static bool IsBlock(const Json& value) { return value.is_structured() && !value.empty(); }

  void Block(const Json& value, std::size_t indent) {
    if (value.is_object()) return Map(value, indent);
    for (const Json& element : value) {
      writer_.Indent(indent);
      writer_.Indicator("-", {true, true});
      Node(element, indent, indent + 2);
    }
  }

  void Map(const Json& value, std::size_t indent) {
    std::vector<std::string_view> keys;
    keys.reserve(value.size());
    for (auto it = value.begin(); it != value.end(); ++it) keys.push_back(it.key());
    SortYamlKeys(keys);
    for (const std::string_view key : keys) {
      const Json& member = value.find(key).value();
      const std::string text = ReplaceInvalid(key);
      writer_.Indent(indent);
      if (YamlWriter::IsSimpleKey(text)) {
        writer_.Key(text);
        writer_.Indicator(":", {});
        // A list stands at the indent of its key.
        Node(member, indent, member.is_array() ? indent : indent + 2);
      } else {
        writer_.Indicator("?", {true, true});
        writer_.String(text, indent + 2);
        writer_.Indent(indent);
        writer_.Indicator(":", {true, true});
        Node(member, indent, indent + 2);
      }
    }
  }

  void Node(const Json& value, std::size_t indent, std::size_t block_indent) {
    if (IsBlock(value)) {
      Block(value, block_indent);
    } else {
      Scalar(value, indent + 2);
    }
  }

  void Scalar(const Json& value, std::size_t indent) {
    if (value.is_string()) {
      writer_.String(ReplaceInvalid(value.get_ref<const std::string&>()), indent);
    } else if (value.is_structured()) {
      writer_.Indicator(value.is_object() ? "{}" : "[]", {true, false});
    } else {
      writer_.Word(DumpJson(value));  // a number's own text, true, false, null
    }
  }

  YamlWriter writer_;
};

}  // namespace

std::string DumpYaml(const Json& value) {
  return Emitter().Run(value);
}

}  // namespace downwardfs
