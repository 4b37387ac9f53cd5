// SPDX-License-Identifier: Apache-2.0
#include "fs/source/yaml_node.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <streambuf>
#include <unordered_map>

#include "base/text.h"

namespace downwardfs {
namespace {

// A PodList of 10,000 pods has about 2 million nodes.
constexpr std::size_t kMaxNodes = 8'000'000;

// What our handler throws through yaml-cpp; it does not leave this file.
struct Refused {
  std::string message;
};

// Reads a string_view in place.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // only ever read: this buffer has no put area
    setg(begin, begin, begin + text.size());
  }
};

std::string MarkPlace(const YAML::Mark& mark) {
  return YamlPlace(static_cast<std::uint32_t>(mark.line) + 1,
                   static_cast<std::uint32_t>(mark.column) + 1);
}

// Collects the nodes of one document.
class Collector final : public YAML::EventHandler {
 public:
  Collector(std::string_view text, bool first, std::size_t room)
      : text_(text), first_(first), room_(room) {}

  YamlNodes nodes;

  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp takes whatever follows a finished root as one more document: "{a: 1} {b: 2}".
    const auto at = static_cast<std::size_t>(mark.pos);
    if (!first_ && (at > text_.size() || text_.substr(at, 3) != "---")) {
      throw Refused{MarkPlace(mark) + ": text after the end of the document"};
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(YamlNode::Kind::kScalar, mark, "?", anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) throw Refused{MarkPlace(mark) + ": unknown anchor"};
    nodes[Add(YamlNode::Kind::kAlias, mark, "?", 0)].target = target->second;
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    nodes[Add(YamlNode::Kind::kScalar, mark, tag, anchor)].text = value;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open_.push_back(Add(YamlNode::Kind::kSequence, mark, tag, anchor));
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open_.push_back(Add(YamlNode::Kind::kMapping, mark, tag, anchor));
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  std::uint32_t Add(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
                    YAML::anchor_t anchor) {
    if (nodes.size() >= room_) {
      throw Refused{MarkPlace(mark) + ": more than " + std::to_string(kMaxNodes) + " nodes"};
    }
    const auto index = static_cast<std::uint32_t>(nodes.size());
    if (!open_.empty()) nodes[open_.back()].children.push_back(index);
    YamlNode& node = nodes.emplace_back();
    node.kind = kind;
    node.line = static_cast<std::uint32_t>(mark.line) + 1;
    node.column = static_cast<std::uint32_t>(mark.column) + 1;
    // yaml-cpp's names for "no tag": "?" on a plain scalar, "!" on a quoted one.
    node.plain = tag != "!";
    if (tag != "?" && tag != "!") node.tag = tag;
    if (anchor != 0) anchors_[anchor] = index;
    return index;
  }

  const std::string_view text_;
  const bool first_;
  const std::size_t room_;
  std::vector<std::uint32_t> open_;
  std::unordered_map<YAML::anchor_t, std::uint32_t> anchors_;
};

}  // namespace

std::string YamlPlace(std::uint32_t line, std::uint32_t column) {
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

Result<std::vector<YamlNodes>> ReadYamlNodes(std::string_view text) {
  std::vector<YamlNodes> documents;
  std::size_t room = kMaxNodes;
  try {
    ViewBuffer buffer(text);
    std::istream in(&buffer);
    YAML::Parser parser(in);
    for (;;) {
      Collector collector(text, documents.empty(), room);
      if (!parser.HandleNextDocument(collector)) return documents;
      room -= collector.nodes.size();
      documents.push_back(std::move(collector.nodes));
    }
  } catch (const YAML::Exception& e) {
    return Fail(ErrorCode::kInvalidArgument, MarkPlace(e.mark) + ": " + OneLine(e.msg));
  } catch (const Refused& refused) {
    return Fail(ErrorCode::kInvalidArgument, refused.message);
  }
}

}  // namespace downwardfs
