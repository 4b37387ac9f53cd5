// SPDX-License-Identifier: Apache-2.0
//
// ParseYaml: events of yaml-cpp or of nlohmann/json, put together by one builder that keeps the
// bounds. Events instead of the libraries' own documents: yaml-cpp's lets a key occur twice and
// shares nodes between aliases, nlohmann's overwrites the first of two keys. The scanners' own
// error texts are used only where they cannot quote the input.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <charconv>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <unordered_map>

#include "base/text.h"
#include "client/config/yaml_tree.h"

namespace downwardfs::client {
namespace {

using Kind = YamlNode::Kind;

// How the builder's refusal passes through the libraries' frames; caught in this file.
struct Refusal {
  std::size_t line;
  std::string message;
};

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

// [-+]?(.[0-9]+|[0-9]+(.[0-9]*)?)([eE][-+]?[0-9]+)?, the floats and decimal integers of YAML 1.1.
bool IsDecimal(std::string_view text) {
  const auto digits = [&text] {
    std::size_t n = 0;
    while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
    text.remove_prefix(n);
    return n;
  };
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  std::size_t mantissa = digits();
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    mantissa += digits();
  }
  if (mantissa == 0) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return digits() > 0 && text.empty();
}

bool FitsDouble(std::string_view text) {
  if (text[0] == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  (void)end;
  return error != std::errc::result_out_of_range || text.find("e-") != std::string_view::npos ||
         text.find("E-") != std::string_view::npos;
}

// 0x1f, 0b11, 0o17, with a sign: integers of another base (Go's ParseInt with base 0).
bool IsBasedInteger(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.size() < 3 || text.size() > 66 || text[0] != '0') return false;
  const char base = static_cast<char>(text[1] | 0x20);
  const std::string_view allowed = base == 'x'   ? "0123456789abcdefABCDEF"
                                   : base == 'o' ? "01234567"
                                   : base == 'b' ? "01"
                                                 : "";
  return text.find_first_not_of(allowed, 2) == std::string_view::npos && !allowed.empty();
}

// What a plain (unquoted) scalar is.
Kind PlainKind(const std::string& text) {
  if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return Kind::kNull;
  if (IsOneOf(text,
              {"y", "Y", "yes", "Yes", "YES", "true",  "True",  "TRUE",  "on",  "On",  "ON",
               "n", "N", "no",  "No",  "NO",  "false", "False", "FALSE", "off", "Off", "OFF"})) {
    return Kind::kBool;
  }
  if (IsOneOf(text, {".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF",
                     "-.inf", "-.Inf", "-.INF"})) {
    return Kind::kNumber;
  }
  if (text.find_first_of("0123456789") == std::string::npos) return Kind::kString;
  std::string plain;
  for (const char c : text) {
    if (c != '_') plain += c;
  }
  const bool starts_as_number =
      text[0] == '.' || text[0] == '-' || text[0] == '+' || (text[0] >= '0' && text[0] <= '9');
  if (!starts_as_number) return Kind::kString;
  return IsBasedInteger(plain) || (IsDecimal(plain) && FitsDouble(plain)) ? Kind::kNumber
                                                                          : Kind::kString;
}

YamlNode Scalar(Kind kind, std::string text, std::size_t line) {
  YamlNode node;
  node.kind = kind;
  node.line = line;
  if (kind == Kind::kBool) {
    const char first = static_cast<char>(text[0] | 0x20);
    const bool on = first == 'y' || first == 't' || (text.size() == 2 && first == 'o');
    node.text = on ? "true" : "false";
  } else if (kind != Kind::kNull) {
    node.text = std::move(text);
  }
  return node;
}

// Puts a tree together from events and keeps the bounds. Throws Refusal.
class Builder {
 public:
  using Anchor = std::size_t;  // 0: none

  void Open(Kind kind, std::size_t line, Anchor anchor) {
    if (open_.size() >= YamlNode::kMaxDepth) {
      throw Refusal{line, "nested deeper than " + std::to_string(YamlNode::kMaxDepth) + " levels"};
    }
    Frame frame;
    frame.node.kind = kind;
    frame.node.line = line;
    frame.anchor = anchor;
    open_.push_back(std::move(frame));
  }

  void Close() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    for (YamlNode& source : frame.merges) Merge(frame, std::move(source));
    Put(std::move(frame.node), frame.anchor, /*quoted=*/false);
  }

  // `quoted` matters for a key alone: "<<" in quotes is no merge.
  void Put(YamlNode node, Anchor anchor, bool quoted) {
    Count(node.line);
    if (anchor != 0) {
      CountCopy(node, node.line);
      anchors_[anchor] = node;
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    if (frame.node.kind == Kind::kList) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.key) {
      SetKey(frame, std::move(node), quoted);
    } else {
      std::string key = *std::exchange(frame.key, std::nullopt);
      if (std::exchange(frame.merging, false)) {
        frame.merges.push_back(std::move(node));
      } else {
        frame.node.keys.push_back(std::move(key));
        frame.node.items.push_back(std::move(node));
      }
    }
  }

  void PutAlias(Anchor anchor, std::size_t line) {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) throw Refusal{line, "an alias lies within what it stands for"};
    CountCopy(it->second, line);
    Put(it->second, 0, true);
  }

  YamlNode Take() { return std::move(root_); }

 private:
  struct Frame {
    YamlNode node;
    Anchor anchor = 0;
    std::optional<std::string> key;
    bool merging = false;  // the pending key is `<<`
    std::set<std::string> keys;
    std::vector<YamlNode> merges;
  };

  static std::size_t Size(const YamlNode& node) {
    std::size_t n = 1 + node.keys.size();
    for (const YamlNode& item : node.items) n += Size(item);
    return n;
  }

  void Count(std::size_t line) {
    if (++nodes_ > YamlNode::kMaxNodes) {
      throw Refusal{line, "more than " + std::to_string(YamlNode::kMaxNodes) + " values"};
    }
  }

  void CountCopy(const YamlNode& node, std::size_t line) {
    copies_ += Size(node);
    if (copies_ > YamlNode::kMaxCopies) {
      throw Refusal{line, "anchors and aliases stand for more than " +
                              std::to_string(YamlNode::kMaxCopies) + " values"};
    }
  }

  static void SetKey(Frame& frame, YamlNode node, bool quoted) {
    if (node.kind == Kind::kList || node.kind == Kind::kMap) {
      throw Refusal{node.line, "a list or map cannot be a key"};
    }
    frame.merging = !quoted && node.text == "<<";
    if (!frame.keys.insert(node.text).second) {
      throw Refusal{node.line, "the key " + QuoteForMessage(node.text) + " occurs twice"};
    }
    frame.key = std::move(node.text);
  }

  // A merge key's map (or list of maps) fills in what the map itself does not set.
  void Merge(Frame& frame, YamlNode source) {
    if (source.kind == Kind::kList) {
      for (YamlNode& item : source.items) {
        if (item.kind != Kind::kMap) throw Refusal{source.line, "'<<' takes maps only"};
        Merge(frame, std::move(item));
      }
      return;
    }
    if (source.kind != Kind::kMap) throw Refusal{source.line, "'<<' takes maps only"};
    for (std::size_t i = 0; i < source.keys.size(); ++i) {
      if (!frame.keys.insert(source.keys[i]).second) continue;
      frame.node.keys.push_back(std::move(source.keys[i]));
      frame.node.items.push_back(std::move(source.items[i]));
    }
  }

  std::vector<Frame> open_;
  std::unordered_map<Anchor, YamlNode> anchors_;
  std::size_t nodes_ = 0;
  std::size_t copies_ = 0;
  YamlNode root_;
};

class YamlEvents final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    builder.Put(Scalar(Kind::kNull, "", Line(mark)), anchor, false);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    builder.PutAlias(anchor, Line(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    // yaml-cpp says "?" for a plain scalar without a tag and "!" for a quoted one.
    const bool is_string = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!is_string && !tag.empty() && tag != "?" &&
        !IsOneOf(tag, {"tag:yaml.org,2002:int", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:float",
                       "tag:yaml.org,2002:null"})) {
      throw Refusal{Line(mark), "a YAML tag that is not supported here"};
    }
    const Kind kind = is_string ? Kind::kString : PlainKind(value);
    builder.Put(Scalar(kind, value, Line(mark)), anchor, is_string);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    builder.Open(Kind::kList, Line(mark), anchor);
  }
  void OnSequenceEnd() override { builder.Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    builder.Open(Kind::kMap, Line(mark), anchor);
  }
  void OnMapEnd() override { builder.Close(); }

  Builder builder;

 private:
  static std::size_t Line(const YAML::Mark& mark) {
    return static_cast<std::size_t>(mark.line) + 1;
  }
};

// JSON carries no lines in its events; messages have the path alone.
class JsonEvents final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return Put(Kind::kNull, ""); }
  bool boolean(bool v) override { return Put(Kind::kBool, v ? "true" : "false"); }
  bool number_integer(number_integer_t v) override { return Put(Kind::kNumber, std::to_string(v)); }
  bool number_unsigned(number_unsigned_t v) override {
    return Put(Kind::kNumber, std::to_string(v));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return Put(Kind::kNumber, text);
  }
  bool string(string_t& v) override { return Put(Kind::kString, std::move(v)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override {
    builder.Open(Kind::kMap, 0, 0);
    return true;
  }
  bool key(string_t& v) override { return Put(Kind::kString, std::move(v)); }
  bool end_object() override { return Closed(); }
  bool start_array(std::size_t) override {
    builder.Open(Kind::kList, 0, 0);
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
  bool Put(Kind kind, std::string text) {
    builder.Put(Scalar(kind, std::move(text), 0), 0, true);
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
  YamlEvents events;
  try {
    std::istringstream stream{std::string(bytes)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(events);
    // A second document is left unread, as Go's Unmarshal does.
  } catch (const YAML::ParserException& e) {
    const auto& mark = e.mark;
    return Fail(SyntaxError(static_cast<std::size_t>(mark.line) + 1,
                            static_cast<std::size_t>(mark.column) + 1, e.msg));
  } catch (const Refusal& refusal) {
    return Fail(SyntaxError(refusal.line, 0, refusal.message));
  } catch (const std::exception&) {
    return Fail(ErrorCode::kInvalidArgument, "not YAML that can be read");
  }
  return events.builder.Take();
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
  } catch (const Refusal& refusal) {
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
