// SPDX-License-Identifier: Apache-2.0
//
// ParseYaml: events of libyaml (of which go-yaml, kubectl's reader, is a port) or of nlohmann/json,
// put together by one builder that keeps the bounds. Events instead of documents: nlohmann's
// overwrites the first of two equal keys, libyaml's has neither lines nor a bound for aliases.
// libyaml's error texts are shown, for they never quote the input; nlohmann's are not.
#include <yaml.h>

#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/text.h"
#include "client/config/yaml_kind.h"
#include "client/config/yaml_tree.h"

namespace downwardfs::client {
namespace {

using YamlKind = YamlNode::Kind;

// How the builder's refusal passes through the libraries' frames; caught in this file.
struct BadYaml {
  std::size_t line;
  std::string message;
};

YamlNode Scalar(YamlKind kind, std::string text, std::size_t line) {
  YamlNode node;
  node.kind = kind;
  node.line = line;
  if (kind == YamlKind::kBool) {
    const char first = static_cast<char>(text[0] | 0x20);
    const bool on = first == 'y' || first == 't' || (text.size() == 2 && first == 'o');
    node.text = on ? "true" : "false";
  } else if (kind != YamlKind::kNull) {
    node.text = std::move(text);
  }
  return node;
}

// Puts a tree together from events and keeps the bounds. Throws BadYaml.
class Builder {
 public:
  void Open(YamlKind kind, std::size_t line, std::string anchor) {
    if (open_.size() >= YamlNode::kMaxDepth) {
      throw BadYaml{line, "nested deeper than " + std::to_string(YamlNode::kMaxDepth) + " levels"};
    }
    Frame& frame = open_.emplace_back();
    frame.node.kind = kind;
    frame.node.line = line;
    frame.anchor = std::move(anchor);
  }

  void Close() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    Put(std::move(frame.node), frame.anchor, /*quoted=*/false);
  }

  // `anchor` is empty if there is none. `quoted` matters for a key alone: "<<" in quotes is no
  // merge.
  void Put(YamlNode node, const std::string& anchor, bool quoted) {
    Count(node.line);
    if (!anchor.empty()) {
      CountCopy(node, node.line);
      anchors_[anchor] = node;
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    if (frame.node.kind == YamlKind::kList) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.key) {
      TakeKey(frame, std::move(node), quoted);
    } else if (std::string key = *std::exchange(frame.key, std::nullopt); frame.merging) {
      Merge(frame, std::move(node));
    } else {
      Set(frame, std::move(key), std::move(node));
    }
  }

  void PutAlias(const std::string& anchor, std::size_t line) {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) {
      throw BadYaml{line, "an alias to an anchor that is unknown or not complete yet"};
    }
    CountCopy(it->second, line);
    Put(it->second, "", true);
  }

  YamlNode Take() { return std::move(root_); }

 private:
  struct Frame {
    YamlNode node;
    std::string anchor;
    std::optional<std::string> key;
    bool merging = false;                                // the pending key is `<<`
    std::set<std::string> written;                       // keys of the map itself, `<<` included
    std::unordered_map<std::string, std::size_t> index;  // into node.keys
  };

  static std::size_t Size(const YamlNode& node) {
    std::size_t n = 1 + node.keys.size();
    for (const YamlNode& item : node.items) n += Size(item);
    return n;
  }

  void Count(std::size_t line) {
    if (++nodes_ > YamlNode::kMaxNodes) {
      throw BadYaml{line, "more than " + std::to_string(YamlNode::kMaxNodes) + " values"};
    }
  }

  void CountCopy(const YamlNode& node, std::size_t line) {
    copies_ += Size(node);
    if (copies_ > YamlNode::kMaxCopies) {
      throw BadYaml{line, "anchors and aliases stand for more than " +
                              std::to_string(YamlNode::kMaxCopies) + " values"};
    }
  }

  static void TakeKey(Frame& frame, YamlNode node, bool quoted) {
    if (node.kind == YamlKind::kList || node.kind == YamlKind::kMap) {
      throw BadYaml{node.line, "a list or map cannot be a key"};
    }
    frame.merging = !quoted && node.text == "<<";
    if (!frame.written.insert(node.text).second) {
      throw BadYaml{node.line, "the key " + QuoteForMessage(node.text) + " occurs twice"};
    }
    frame.key = std::move(node.text);
  }

  static void Set(Frame& frame, std::string key, YamlNode value) {
    const auto [at, is_new] = frame.index.try_emplace(key, frame.node.keys.size());
    if (!is_new) {
      frame.node.items[at->second] = std::move(value);
      return;
    }
    frame.node.keys.push_back(std::move(key));
    frame.node.items.push_back(std::move(value));
  }

  // A merge key takes effect at its place, as in go-yaml: it wins over the keys before it and loses
  // to those after it. Of a list of maps the first wins.
  void Merge(Frame& frame, YamlNode source) {
    if (source.kind == YamlKind::kList) {
      for (auto item = source.items.rbegin(); item != source.items.rend(); ++item) {
        if (item->kind != YamlKind::kMap) throw BadYaml{source.line, "'<<' takes maps only"};
        Merge(frame, std::move(*item));
      }
      return;
    }
    if (source.kind != YamlKind::kMap) throw BadYaml{source.line, "'<<' takes maps only"};
    for (std::size_t i = 0; i < source.keys.size(); ++i) {
      Set(frame, std::move(source.keys[i]), std::move(source.items[i]));
    }
  }

  std::vector<Frame> open_;
  std::unordered_map<std::string, YamlNode> anchors_;
  std::size_t nodes_ = 0;
  std::size_t copies_ = 0;
  YamlNode root_;
};

std::string Text(const yaml_char_t* text) {
  return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

YamlNode ScalarOf(const yaml_event_t& event, std::size_t line) {
  const auto& scalar = event.data.scalar;
  std::string text(reinterpret_cast<const char*>(scalar.value), scalar.length);
  const std::string tag = Text(scalar.tag);
  const bool resolved = scalar.plain_implicit != 0 ||
                        IsOneOf(tag, {YAML_INT_TAG, YAML_BOOL_TAG, YAML_FLOAT_TAG, YAML_NULL_TAG});
  if (!resolved && !IsOneOf(tag, {"", "!", YAML_STR_TAG})) {
    throw BadYaml{line, "a YAML tag that is not supported here"};
  }
  const YamlKind kind = resolved ? PlainScalarKind(text) : YamlKind::kString;
  return Scalar(kind, std::move(text), line);
}

// Owns libyaml's parser and hands its events to the builder.
class YamlEvents {
 public:
  explicit YamlEvents(std::string_view bytes) : ready_(yaml_parser_initialize(&parser_) != 0) {
    if (!ready_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(bytes.data()),
                                 bytes.size());
  }
  ~YamlEvents() {
    if (ready_) yaml_parser_delete(&parser_);
  }
  YamlEvents(const YamlEvents&) = delete;
  YamlEvents& operator=(const YamlEvents&) = delete;

  // False at a syntax error: see problem(). Reads the first document; a second one is left unread,
  // as Go's Unmarshal does. May throw BadYaml.
  bool Read(Builder& builder) {
    bool more = true;
    while (more) {
      yaml_event_t event;
      if (!ready_ || yaml_parser_parse(&parser_, &event) == 0) return false;
      const std::unique_ptr<yaml_event_t, decltype(&yaml_event_delete)> owner(&event,
                                                                              &yaml_event_delete);
      more = Take(event, builder);
    }
    return true;
  }

  const char* problem() const {
    return parser_.problem != nullptr ? parser_.problem : "not YAML that can be read";
  }
  const yaml_mark_t& place() const { return parser_.problem_mark; }

 private:
  // False once there is nothing more to read.
  static bool Take(const yaml_event_t& event, Builder& builder) {
    const std::size_t line = event.start_mark.line + 1;
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        builder.Put(ScalarOf(event, line), Text(event.data.scalar.anchor),
                    event.data.scalar.plain_implicit == 0);
        return true;
      case YAML_ALIAS_EVENT:
        builder.PutAlias(Text(event.data.alias.anchor), line);
        return true;
      case YAML_SEQUENCE_START_EVENT:
        builder.Open(YamlKind::kList, line, Text(event.data.sequence_start.anchor));
        return true;
      case YAML_MAPPING_START_EVENT:
        builder.Open(YamlKind::kMap, line, Text(event.data.mapping_start.anchor));
        return true;
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        builder.Close();
        return true;
      default:
        return event.type != YAML_DOCUMENT_END_EVENT && event.type != YAML_STREAM_END_EVENT;
    }
  }

  yaml_parser_t parser_ = {};
  const bool ready_;
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
    builder.Open(YamlKind::kMap, 0, "");
    return true;
  }
  bool key(string_t& v) override { return Put(YamlKind::kString, std::move(v)); }
  bool end_object() override { return Closed(); }
  bool start_array(std::size_t) override {
    builder.Open(YamlKind::kList, 0, "");
    return true;
  }
  bool end_array() override { return Closed(); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    error_position = position;
    return false;
  }

  Builder builder;
  std::size_t error_position = 0;

 private:
  bool Put(YamlKind kind, std::string text) {
    builder.Put(Scalar(kind, std::move(text), 0), "", true);
    return true;
  }
  bool Closed() {
    builder.Close();
    return true;
  }
};

Error SyntaxError(std::size_t line, std::size_t column, std::string_view message) {
  std::string text = "line " + std::to_string(line);
  if (column > 0) text += ", column " + std::to_string(column);
  text += ": ";
  text += message;
  return Error{ErrorCode::kInvalidArgument, OneLine(text)};
}

Result<YamlNode> ParseYamlText(std::string_view bytes) {
  YamlEvents events(bytes);
  Builder builder;
  try {
    if (events.Read(builder)) return builder.Take();
  } catch (const BadYaml& refusal) {
    return Fail(SyntaxError(refusal.line, 0, refusal.message));
  }
  return Fail(SyntaxError(events.place().line + 1, events.place().column + 1, events.problem()));
}

}  // namespace

Result<YamlNode> ParseYaml(std::string_view bytes) {
  if (bytes.substr(0, 3) == "\xef\xbb\xbf") bytes.remove_prefix(3);
  const std::size_t bad = FirstInvalidUtf8(bytes);
  if (bad != std::string_view::npos || bytes.find('\0') != std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument, "not text in UTF-8");
  }
  const std::size_t start = bytes.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return YamlNode{};
  if (bytes[start] != '{') return ParseYamlText(bytes);
  JsonEvents events;
  try {
    if (nlohmann::json::sax_parse(bytes, &events)) return events.builder.Take();
  } catch (const BadYaml& refusal) {
    return Fail(ErrorCode::kInvalidArgument, OneLine(refusal.message));
  } catch (const std::exception&) {
    return Fail(ErrorCode::kInvalidArgument, "not JSON that can be read");
  }
  // A YAML flow map starts with '{' too.
  if (auto yaml = ParseYamlText(bytes)) return yaml;
  std::size_t line = 1;
  std::size_t column = 1;
  for (const char c : bytes.substr(0, events.error_position)) {
    column = c == '\n' ? 1 : column + 1;
    if (c == '\n') ++line;
  }
  return Fail(SyntaxError(line, column > 1 ? column - 1 : column, "neither JSON nor YAML"));
}

}  // namespace downwardfs::client
