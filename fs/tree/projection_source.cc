// SPDX-License-Identifier: Apache-2.0
#include "fs/tree/projection_source.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace downwardfs {
namespace {

std::string NodeNameOf(const Json& pod) {
  const auto spec = pod.find("spec");
  if (spec == pod.end() || !spec->is_object()) return "";
  const auto name = spec->find("nodeName");
  return name != spec->end() && name->is_string() ? name->get<std::string>() : "";
}

ObjectPtr FindNode(const ObjectSource& source, const Json& pod) {
  const std::string name = NodeNameOf(pod);
  if (!name.empty()) {
    if (auto node = source.Get(ObjectKey{"Node", "", name, ""})) return node;
  }
  auto nodes = source.List("Node");
  return nodes.size() == 1 ? nodes.front() : nullptr;
}

}  // namespace

Result<LoadedInput> LoadInput(const ObjectSource& source, const ObjectKey& key) {
  LoadedInput loaded;
  loaded.pod = source.Get(key);
  if (!loaded.pod) {
    return Fail(ErrorCode::kNotFound,
                "pod " + key.ns + "/" + key.name + ": not found in " + source.State().description);
  }
  auto pod = Document::Parse(loaded.pod->Json());
  if (!pod) return Fail(std::move(pod.error()), "pod " + key.ns + "/" + key.name);
  loaded.input.pod = std::move(*pod);
  loaded.node = FindNode(source, loaded.input.pod->root());
  if (loaded.node) {
    auto node = Document::Parse(loaded.node->Json());
    if (!node) return Fail(std::move(node.error()), "node " + loaded.node->meta().name);
    loaded.input.node = std::move(*node);
  }
  return loaded;
}

Result<ObjectKey> FindPod(const ObjectSource& source, const std::string& wanted) {
  const auto slash = wanted.find('/');
  ObjectKey key{"Pod", "", wanted, ""};
  if (slash != std::string::npos) {
    key.ns = wanted.substr(0, slash);
    key.name = wanted.substr(slash + 1);
  } else if (!wanted.empty()) {
    key.ns = "default";
  }
  if (!wanted.empty() &&
      (key.ns.empty() || key.name.empty() || key.name.find('/') != std::string::npos)) {
    return Fail(ErrorCode::kInvalidArgument,
                "--pod " + QuoteForMessage(wanted) + ": must be NAMESPACE/NAME");
  }
  const auto pods = source.List("Pod");
  std::string known;
  for (const ObjectPtr& pod : pods) {
    if (key.Matches(pod->meta())) return key;
    if (known.size() < 200) {
      known += (known.empty() ? "" : ", ") + pod->meta().ns + "/" + pod->meta().name;
    }
  }
  if (wanted.empty() && pods.size() == 1) {
    return ObjectKey{"Pod", pods.front()->meta().ns, pods.front()->meta().name, ""};
  }
  if (wanted.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--pod is needed: " + source.State().description +
                                                 " has " + std::to_string(pods.size()) + " pods (" +
                                                 known + ")");
  }
  return Fail(ErrorCode::kNotFound, "pod " + key.ns + "/" + key.name + ": not found in " +
                                        source.State().description + ", which has " +
                                        (known.empty() ? "none" : known));
}

}  // namespace downwardfs
