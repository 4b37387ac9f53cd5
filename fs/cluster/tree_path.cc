// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/tree_path.h"

#include "base/text.h"

namespace downwardfs {
namespace {

using PathKind = TreePath::Kind;

// Takes the first element off; empty if nothing is left.
std::string_view Take(std::string_view& text) {
  const std::size_t slash = text.find('/');
  const std::string_view first = text.substr(0, slash);
  text.remove_prefix(slash == std::string_view::npos ? text.size() : slash + 1);
  return first;
}

void ParseNamespaces(std::string_view text, TreePath& path) {
  path.ns = Take(text);
  path.kind = path.ns.empty() ? PathKind::kNamespaces : PathKind::kNamespace;
  if (text.empty()) return;
  const std::string_view what = Take(text);
  if (what == "pods.txt" && text.empty()) {
    path.kind = PathKind::kPodTable;
  } else if (what == "pods") {
    path.object = Take(text);
    path.kind = path.object.empty() ? PathKind::kPods : PathKind::kPod;
    path.rest = text;
  } else {
    path.kind = PathKind::kNothing;
  }
}

void ParseNodes(std::string_view text, TreePath& path) {
  path.object = Take(text);
  path.kind = path.object.empty() ? PathKind::kNodes : PathKind::kNode;
  path.rest = text;
  if (Take(text) != "pods") return;
  path.rest = {};
  path.link = text;
  path.kind = text.empty() ? PathKind::kNodePods : PathKind::kNodePod;
}

void ParseLabels(std::string_view text, TreePath& path) {
  path.key = Take(text);
  path.value = Take(text);
  path.link = text;
  path.kind = !path.link.empty()    ? PathKind::kLabelledPod
              : !path.value.empty() ? PathKind::kLabelValue
              : !path.key.empty()   ? PathKind::kLabelKey
                                    : PathKind::kLabels;
}

}  // namespace

TreePath TreePath::Parse(std::string_view text) {
  TreePath path;
  if (text.empty()) {
    path.kind = PathKind::kRoot;
    return path;
  }
  const std::string_view top = Take(text);
  if (top == "..status" && text.empty()) {
    path.kind = PathKind::kStatus;
  } else if (top == "namespaces") {
    ParseNamespaces(text, path);
  } else if (top == "nodes") {
    ParseNodes(text, path);
  } else if (top == "by-label") {
    ParseLabels(text, path);
  } else if (top == "by-ip") {
    path.object = text;
    path.kind = text.empty() ? PathKind::kAddresses : PathKind::kAddress;
  } else if (top == "by-node") {
    path.object = text;
    path.kind = text.empty() ? PathKind::kByNode : PathKind::kNodeLink;
  }
  return path;
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  return Concat({directory, "/", name});
}

}  // namespace downwardfs
