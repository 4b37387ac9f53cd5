// SPDX-License-Identifier: Apache-2.0
#include "yaml/yaml_node.h"

#include <yaml.h>

#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "yaml/yaml_encoding.h"

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

std::string_view View(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

// Owns a yaml_parser_t and the event that was read last.
class EventReader {
 public:
  explicit EventReader(std::string_view text) {
    ready_ = yaml_parser_initialize(&parser_) != 0;
    if (!ready_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~EventReader() {
    DropEvent();
    if (ready_) yaml_parser_delete(&parser_);
  }
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  /// The next event; valid until the next call.
  Result<const yaml_event_t*> Next() {
    DropEvent();
    if (!ready_) return Fail(ErrorCode::kResourceExhausted, "out of memory");
    if (yaml_parser_parse(&parser_, &event_) == 0) return Fail(ParserError());
    has_event_ = true;
    return &event_;
  }

 private:
  void DropEvent() {
    if (has_event_) yaml_event_delete(&event_);
    has_event_ = false;
  }

  Error ParserError() const {
    if (parser_.error == YAML_MEMORY_ERROR) {
      return Error{ErrorCode::kResourceExhausted, "out of memory"};
    }
    // "could not find expected ':'", and where the construct began: "while scanning a simple key".
    std::string text = YamlPlace(parser_.problem_mark.line + 1, parser_.problem_mark.column + 1);
    text += ": ";
    text += parser_.problem == nullptr ? "not YAML" : parser_.problem;
    if (parser_.context != nullptr) {
      text += std::string(" ") + parser_.context + " that began at " +
              YamlPlace(parser_.context_mark.line + 1, parser_.context_mark.column + 1);
    }
    return Error{ErrorCode::kInvalidArgument, OneLine(text)};
  }

  yaml_parser_t parser_ = {};
  yaml_event_t event_ = {};
  bool ready_ = false;
  bool has_event_ = false;
};

// Collects the nodes of one document from its events.
class Collector {
 public:
  Collector(const YamlLimits& limits, std::size_t room) : limits_(&limits), room_(room) {}

  YamlNodes nodes;

  Status Take(const yaml_event_t& event) {
    switch (event.type) {
      case YAML_SCALAR_EVENT: {
        const auto& scalar = event.data.scalar;
        auto index = Add(YamlNode::Kind::kScalar, event, scalar.anchor, scalar.tag);
        if (!index) return Fail(std::move(index.error()));
        nodes[*index].plain = scalar.plain_implicit != 0;
        nodes[*index].text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
        return {};
      }
      case YAML_ALIAS_EVENT:
        return TakeAlias(event);
      case YAML_SEQUENCE_START_EVENT: {
        const auto& start = event.data.sequence_start;
        return Open(Add(YamlNode::Kind::kSequence, event, start.anchor, start.tag), event);
      }
      case YAML_MAPPING_START_EVENT: {
        const auto& start = event.data.mapping_start;
        return Open(Add(YamlNode::Kind::kMapping, event, start.anchor, start.tag), event);
      }
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        open_.pop_back();
        return {};
      default:
        return {};
    }
  }

 private:
  static tl::unexpected<Error> FailAt(const yaml_event_t& event, const std::string& message) {
    return Fail(ErrorCode::kInvalidArgument,
                YamlPlace(event.start_mark.line + 1, event.start_mark.column + 1) + ": " + message);
  }

  Status TakeAlias(const yaml_event_t& event) {
    const std::string name(View(event.data.alias.anchor));
    const auto target = anchors_.find(name);
    if (target == anchors_.end()) {
      return FailAt(event, "unknown anchor; a text that begins with '*' must be in quotes");
    }
    auto index = Add(YamlNode::Kind::kAlias, event, nullptr, nullptr);
    if (!index) return Fail(std::move(index.error()));
    nodes[*index].target = target->second;
    return {};
  }

  Status Open(Result<std::uint32_t> index, const yaml_event_t& event) {
    if (!index) return Fail(std::move(index.error()));
    if (open_.size() >= limits_->depth) {
      return FailAt(event, "nested deeper than " + std::to_string(limits_->depth) + " levels");
    }
    open_.push_back(*index);
    return {};
  }

  Result<std::uint32_t> Add(YamlNode::Kind kind, const yaml_event_t& event,
                            const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (nodes.size() >= room_) {
      return FailAt(event, "more than " + std::to_string(limits_->nodes) + " nodes");
    }
    const auto index = static_cast<std::uint32_t>(nodes.size());
    if (!open_.empty()) nodes[open_.back()].children.push_back(index);
    YamlNode& node = nodes.emplace_back();
    node.kind = kind;
    node.line = static_cast<std::uint32_t>(event.start_mark.line + 1);
    node.column = static_cast<std::uint32_t>(event.start_mark.column + 1);
    node.tag = View(tag);
    if (anchor != nullptr) anchors_[std::string(View(anchor))] = index;
    return index;
  }

  const YamlLimits* limits_;
  std::size_t room_;
  std::vector<std::uint32_t> open_;
  std::unordered_map<std::string, std::uint32_t> anchors_;
};

}  // namespace

std::string YamlPlace(std::size_t line, std::size_t column) {
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

Status ReadYamlNodes(std::string_view text, const YamlLimits& limits,
                     const std::function<Status(const YamlNodes&)>& each) {
  const auto utf8 = YamlTextInUtf8(text);
  if (!utf8) return Fail(utf8.error());
  if (*utf8) text = **utf8;
  if (auto checked = CheckCharacters(text); !checked) return checked;
  std::size_t room = limits.nodes;
  EventReader reader(text);
  Collector collector(limits, room);
  for (;;) {
    auto event = reader.Next();
    if (!event) return Fail(std::move(event.error()));
    switch ((*event)->type) {
      case YAML_STREAM_END_EVENT:
        return {};
      case YAML_DOCUMENT_END_EVENT:
        room -= collector.nodes.size();
        if (auto taken = each(collector.nodes); !taken || limits.first_document_only) return taken;
        break;
      case YAML_DOCUMENT_START_EVENT:
        collector = Collector(limits, room);
        break;
      default:
        if (auto taken = collector.Take(**event); !taken) return taken;
    }
  }
}

}  // namespace downwardfs
