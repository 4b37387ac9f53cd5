// SPDX-License-Identifier: Apache-2.0
//
// ParseYaml: values of the YAML reader, or events of nlohmann/json, put together as one tree.
// Events instead of nlohmann's document, for the bounds. nlohmann's error texts quote the input and
// are not shown.
#include <exception>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <variant>

#include "base/text.h"
#include "client/config/yaml_tree.h"
#include "yaml/yaml_encoding.h"
#include "yaml/yaml_reader.h"

namespace downwardfs::client {
namespace {

using YamlKind = YamlNode::Kind;

constexpr YamlLimits kConfigLimits{.depth = YamlNode::kMaxDepth,
                                   .nodes = YamlNode::kMaxNodes,
                                   .aliased_nodes = YamlNode::kMaxAliased,
                                   .first_document_only = true};

// Puts the tree together in place.
class TreeSink final : public YamlSink {
 public:
  YamlNode root;

  void BeginDocument() override {}

  Status Scalar(YamlValue value, std::string_view text, std::size_t line) override {
    if (std::holds_alternative<std::nullptr_t>(value)) {
      Put(YamlKind::kNull, "", line);
    } else if (const bool* flag = std::get_if<bool>(&value)) {
      Put(YamlKind::kBool, *flag ? "true" : "false", line);
    } else if (auto* string = std::get_if<std::string>(&value)) {
      Put(YamlKind::kString, std::move(*string), line);
    } else {
      Put(YamlKind::kNumber, std::string(text), line);
    }
    return {};
  }

  void OpenList(std::size_t line) override { Open(YamlKind::kList, line); }
  void OpenMap(std::size_t line) override { Open(YamlKind::kMap, line); }
  void Close() override { open_.pop_back(); }

  void Key(std::string key) override {
    Frame& frame = open_.back();
    const auto [at, is_new] = frame.index.try_emplace(key, frame.node->keys.size());
    if (is_new) {
      frame.node->keys.push_back(std::move(key));
      frame.node->items.emplace_back();
    }
    slot_ = &frame.node->items[at->second];
  }

  void Put(YamlKind kind, std::string text, std::size_t line) {
    YamlNode& node = Slot();
    node = YamlNode();
    node.kind = kind;
    node.text = std::move(text);
    node.line = line;
  }

  std::size_t depth() const { return open_.size(); }

 private:
  struct Frame {
    YamlNode* node;                                      // does not move while its inside is made
    std::unordered_map<std::string, std::size_t> index;  // into node->keys
  };

  YamlNode& Slot() {
    if (open_.empty()) return root;
    YamlNode& around = *open_.back().node;
    return around.kind == YamlKind::kList ? around.items.emplace_back() : *slot_;
  }

  void Open(YamlKind kind, std::size_t line) {
    YamlNode& node = Slot();
    node = YamlNode();
    node.kind = kind;
    node.line = line;
    open_.push_back({&node, {}});
  }

  std::vector<Frame> open_;
  YamlNode* slot_ = nullptr;  // of the value that comes next in a map
};

// JSON carries no lines in its events; messages have the path alone.
class JsonEvents final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return Put(YamlKind::kNull, ""); }
  bool boolean(bool v) override { return Put(YamlKind::kBool, v ? "true" : "false"); }
  bool number_integer(number_integer_t v) override {
    return Put(YamlKind::kNumber, std::to_string(v));
  }
  bool number_unsigned(number_unsigned_t v) override {
    return Put(YamlKind::kNumber, std::to_string(v));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return Put(YamlKind::kNumber, text);
  }
  bool string(string_t& v) override { return Put(YamlKind::kString, std::move(v)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override {
    if (!MayOpen()) return false;
    tree.OpenMap(0);
    return true;
  }
  bool key(string_t& v) override {
    tree.Key(std::move(v));
    return Count();
  }
  bool end_object() override {
    tree.Close();
    return true;
  }
  bool start_array(std::size_t) override {
    if (!MayOpen()) return false;
    tree.OpenList(0);
    return true;
  }
  bool end_array() override {
    tree.Close();
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    error_position = position;
    return false;
  }

  TreeSink tree;
  std::string refusal;  // a rule that was broken; empty after a syntax error
  std::size_t error_position = 0;

 private:
  bool Refuse(std::string message) {
    refusal = std::move(message);
    return false;
  }
  bool Count() {
    return ++nodes_ <= YamlNode::kMaxNodes ||
           Refuse("more than " + std::to_string(YamlNode::kMaxNodes) + " nodes");
  }
  bool MayOpen() {
    return (tree.depth() < YamlNode::kMaxDepth ||
            Refuse("nested deeper than " + std::to_string(YamlNode::kMaxDepth) + " levels")) &&
           Count();
  }
  bool Put(YamlKind kind, std::string text) {
    tree.Put(kind, std::move(text), 0);
    return Count();
  }

  std::size_t nodes_ = 0;
};

Result<YamlNode> ParseYamlText(std::string_view bytes) {
  TreeSink tree;
  if (auto read = ReadYaml(bytes, kConfigLimits, tree); !read) {
    return Fail(std::move(read.error()));
  }
  return std::move(tree.root);
}

}  // namespace

Result<YamlNode> ParseYaml(std::string_view bytes) {
  const auto utf8 = YamlTextInUtf8(bytes);
  if (!utf8) return Fail(utf8.error());
  if (*utf8) bytes = **utf8;
  if (!IsValidUtf8(bytes) || bytes.find('\0') != std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument, "not text in UTF-8");
  }
  const std::size_t start = bytes.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return YamlNode{};
  if (bytes[start] != '{') return ParseYamlText(bytes);
  JsonEvents events;
  try {
    if (nlohmann::json::sax_parse(bytes, &events)) return std::move(events.tree.root);
  } catch (const std::exception&) {
    return Fail(ErrorCode::kInvalidArgument, "not JSON that can be read");
  }
  if (!events.refusal.empty()) return Fail(ErrorCode::kInvalidArgument, events.refusal);
  // A YAML flow map starts with '{' too.
  if (auto yaml = ParseYamlText(bytes)) return yaml;
  std::size_t line = 1;
  std::size_t column = 1;
  for (const char c : bytes.substr(0, events.error_position)) {
    column = c == '\n' ? 1 : column + 1;
    if (c == '\n') ++line;
  }
  return Fail(ErrorCode::kInvalidArgument, "line " + std::to_string(line) + ", column " +
                                               std::to_string(column > 1 ? column - 1 : column) +
                                               ": neither JSON nor YAML");
}

}  // namespace downwardfs::client
