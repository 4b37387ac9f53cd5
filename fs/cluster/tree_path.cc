// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/tree_path.h"

#include "base/text.h"

namespace downwardfs {
namespace {

using Kind = TreePath::Kind;

// Takes the first element off; empty where there is none.
std::string_view Take(std::string_view& text) {
  const std::size_t slash = text.find('/');
  const std::string_view first = text.substr(0, slash);
  text.remove_prefix(slash == std::string_view::npos ? text.size() : slash + 1);
  return first;
}

void ParseNamespaces(std::string_view text, TreePath& path) {
  path.ns = Take(text);
  path.kind = path.ns.empty() ? Kind::kNamespaces : Kind::kNamespace;
  if (text.empty()) return;
  const std::string_view what = Take(text);
  if (what == "pods.txt" && text.empty()) {
    path.kind = Kind::kPodTable;
  } else if (what == "pods") {
    path.object = Take(text);
    path.kind = path.object.empty() ? Kind::kPods : Kind::kPod;
    path.rest = text;
  } else {
    path.kind = Kind::kNothing;
  }
}

void ParseNodes(std::string_view text, TreePath& path) {
  path.object = Take(text);
  path.kind = path.object.empty() ? Kind::kNodes : Kind::kNode;
  path.rest = text;
  if (Take(text) != "pods") return;
  path.rest = {};
  path.link = text;
  path.kind = text.empty() ? Kind::kNodePods : Kind::kNodePod;
}

void ParseLabels(std::string_view text, TreePath& path) {
  path.key = Take(text);
  path.value = Take(text);
  path.link = text;
  path.kind = !path.link.empty()    ? Kind::kLabelledPod
              : !path.value.empty() ? Kind::kLabelValue
              : !path.key.empty()   ? Kind::kLabelKey
                                    : Kind::kLabels;
}

}  // namespace

TreePath TreePath::Parse(std::string_view text) {
  TreePath path;
  if (text.empty()) {
    path.kind = Kind::kRoot;
    return path;
  }
  const std::string_view top = Take(text);
  if (top == "..status" && text.empty()) {
    path.kind = Kind::kStatus;
  } else if (top == "namespaces") {
    ParseNamespaces(text, path);
  } else if (top == "nodes") {
    ParseNodes(text, path);
  } else if (top == "by-label") {
    ParseLabels(text, path);
  } else if (top == "by-ip") {
    path.object = text;
    path.kind = text.empty() ? Kind::kAddresses : Kind::kAddress;
  } else if (top == "by-node") {
    path.object = text;
    path.kind = text.empty() ? Kind::kByNode : Kind::kNodeLink;
  }
  return path;
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  return Concat({directory, "/", name});
}

}  // namespace downwardfs
