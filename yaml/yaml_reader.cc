// SPDX-License-Identifier: Apache-2.0
#include "yaml/yaml_reader.h"

#include <vector>

#include "base/text.h"
#include "yaml/yaml_node.h"

namespace downwardfs {
namespace {

// Hands the nodes of one document to the sink.
class Expander {
 public:
  Expander(const YamlNodes& nodes, const YamlLimits& limits, YamlSink& sink)
      : nodes_(nodes), limits_(limits), sink_(sink), on_path_(nodes.size()) {}

  Status Run() { return nodes_.empty() ? Status() : Visit(0, Into::kValue); }

 private:
  // kMerge: the entries of a mapping go into the mapping that is open.
  enum class Into { kValue, kMerge };

  static tl::unexpected<Error> FailAt(const YamlNode& node, const std::string& message) {
    return Fail(ErrorCode::kInvalidArgument, YamlPlace(node.line, node.column) + ": " + message);
  }

  Status Visit(std::uint32_t index, Into into) {
    const YamlNode& node = nodes_[index];
    if (alias_depth_ > 0 && !Charge(node)) {
      return FailAt(node, "aliases expand to more than " + std::to_string(limits_.aliased_nodes) +
                              " nodes or " + std::to_string(limits_.aliased_bytes) + " bytes");
    }
    if (node.kind == YamlNode::Kind::kAlias) return VisitAlias(node, into);
    if (node.kind == YamlNode::Kind::kScalar) return VisitScalar(node);
    if (depth_ >= limits_.depth) {
      return FailAt(node, "nested deeper than " + std::to_string(limits_.depth) + " levels");
    }
    ++depth_;
    on_path_[index] = true;
    Status status = node.kind == YamlNode::Kind::kSequence ? VisitSequence(node)
                    : into == Into::kMerge                 ? VisitEntries(node)
                                                           : VisitMapping(node);
    on_path_[index] = false;
    --depth_;
    return status;
  }

  bool Charge(const YamlNode& node) {
    aliased_bytes_ += node.text.size();
    return ++aliased_nodes_ <= limits_.aliased_nodes && aliased_bytes_ <= limits_.aliased_bytes;
  }

  Status VisitAlias(const YamlNode& node, Into into) {
    if (on_path_[node.target]) return FailAt(node, "the alias stands inside what it refers to");
    ++alias_depth_;
    Status status = Visit(node.target, into);
    --alias_depth_;
    return status;
  }

  static Result<YamlValue> Resolve(const YamlNode& node) {
    auto value = ResolveYamlScalar(node.text, node.plain, node.tag);
    if (!value) return FailAt(node, value.error().message);
    return value;
  }

  Status VisitScalar(const YamlNode& node) {
    auto value = Resolve(node);
    if (!value) return Fail(std::move(value.error()));
    auto taken = sink_.Scalar(std::move(*value), node.text, node.line);
    if (!taken) return FailAt(node, taken.error().message);
    return {};
  }

  Status VisitSequence(const YamlNode& node) {
    sink_.OpenList(node.line);
    for (const std::uint32_t child : node.children) {
      if (auto visited = Visit(child, Into::kValue); !visited) return visited;
    }
    sink_.Close();
    return {};
  }

  Status VisitMapping(const YamlNode& node) {
    sink_.OpenMap(node.line);
    if (auto visited = VisitEntries(node); !visited) return visited;
    sink_.Close();
    return {};
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
    auto value = Resolve(node);
    if (!value) return Fail(std::move(value.error()));
    auto key = YamlValueToKey(std::move(*value));
    if (!key) return FailAt(written, key.error().message);
    return key;
  }

  Status VisitEntries(const YamlNode& node) {
    for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
      const YamlNode& key_node = nodes_[node.children[i]];
      if (IsMergeKey(key_node)) {
        if (auto merged = Merge(node.children[i + 1]); !merged) return merged;
        continue;
      }
      auto key = Key(key_node);
      if (!key) return Fail(std::move(key.error()));
      sink_.Key(std::move(*key));
      if (auto visited = Visit(node.children[i + 1], Into::kValue); !visited) return visited;
    }
    return {};
  }

  Status Merge(std::uint32_t index) {
    const YamlNode& node = nodes_[index];
    if (node.kind != YamlNode::Kind::kSequence) return MergeOne(index);
    for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
      if (auto merged = MergeOne(*child); !merged) return merged;
    }
    return {};
  }

  Status MergeOne(std::uint32_t index) {
    const YamlNode& node = nodes_[index];
    if (Follow(node).kind != YamlNode::Kind::kMapping) {
      return FailAt(node, "the value of << must be a mapping or a list of mappings");
    }
    return Visit(index, Into::kMerge);
  }

  const YamlNodes& nodes_;
  const YamlLimits& limits_;
  YamlSink& sink_;
  std::vector<bool> on_path_;
  std::size_t depth_ = 0;
  int alias_depth_ = 0;
  std::size_t aliased_nodes_ = 0;
  std::size_t aliased_bytes_ = 0;
};

}  // namespace

Status ReadYaml(std::string_view text, const YamlLimits& limits, YamlSink& sink) {
  return ReadYamlNodes(text, limits, [&](const YamlNodes& document) {
    sink.BeginDocument();
    return Expander(document, limits, sink).Run();
  });
}

}  // namespace downwardfs
