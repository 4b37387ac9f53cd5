// SPDX-License-Identifier: Apache-2.0
#include "sources/yaml_node.h"

#include <yaml.h>

#include <unordered_map>

#include "base/text.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMaxNodes = 8'000'000;

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
  explicit Collector(std::size_t room) : room_(room) {}

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
    if (target == anchors_.end()) return FailAt(event, "unknown anchor " + QuoteForMessage(name));
    auto index = Add(YamlNode::Kind::kAlias, event, nullptr, nullptr);
    if (!index) return Fail(std::move(index.error()));
    nodes[*index].target = target->second;
    return {};
  }

  Status Open(Result<std::uint32_t> index, const yaml_event_t& event) {
    if (!index) return Fail(std::move(index.error()));
    if (open_.size() >= kMaxYamlDepth) {
      return FailAt(event, "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels");
    }
    open_.push_back(*index);
    return {};
  }

  Result<std::uint32_t> Add(YamlNode::Kind kind, const yaml_event_t& event,
                            const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (nodes.size() >= room_) {
      return FailAt(event, "more than " + std::to_string(kMaxNodes) + " nodes");
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

  std::size_t room_;
  std::vector<std::uint32_t> open_;
  std::unordered_map<std::string, std::uint32_t> anchors_;
};

}  // namespace

std::string YamlPlace(std::size_t line, std::size_t column) {
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

Result<std::vector<YamlNodes>> ReadYamlNodes(std::string_view text) {
  std::vector<YamlNodes> documents;
  std::size_t room = kMaxNodes;
  EventReader reader(text);
  Collector collector(room);
  for (;;) {
    auto event = reader.Next();
    if (!event) return Fail(std::move(event.error()));
    switch ((*event)->type) {
      case YAML_STREAM_END_EVENT:
        return documents;
      case YAML_DOCUMENT_END_EVENT:
        room -= collector.nodes.size();
        documents.push_back(std::move(collector.nodes));
        break;
      case YAML_DOCUMENT_START_EVENT:
        collector = Collector(room);
        break;
      default:
        if (auto taken = collector.Take(**event); !taken) return Fail(std::move(taken.error()));
    }
  }
}

}  // namespace downwardfs
