// SPDX-License-Identifier: Apache-2.0
//
// The paths of the cluster tree, parsed: which kind of place one is, and of what. Pure; any thread.
//
//     ..status                               namespaces/<ns>/{pods.txt,pods/<pod>/...}
//     nodes/<node>/{...,pods/<ns>_<pod>}     by-label/<key>/<value>/<ns>_<pod>
//     by-ip/<ip>                             by-node/<node>
#pragma once

#include <string>
#include <string_view>

namespace downwardfs {

struct TreePath {
  enum class Kind {
    kNothing,  ///< no such place
    kRoot,
    kStatus,
    kNamespaces,
    kNamespace,
    kPodTable,
    kPods,
    kPod,  ///< `rest` empty; or what lies below it
    kNodes,
    kNode,  ///< likewise
    kNodePods,
    kNodePod,
    kLabels,
    kLabelKey,
    kLabelValue,
    kLabelledPod,
    kAddresses,
    kAddress,
    kByNode,
    kNodeLink,
  };
  Kind kind = Kind::kNothing;
  // File names; views into the parsed text.
  std::string_view ns;
  std::string_view object;  ///< the pod or the node, the address
  std::string_view key;
  std::string_view value;
  std::string_view link;  ///< NAMESPACE_POD
  std::string_view rest;  ///< below a pod or a node: "labels.d/app"

  /// `text` without a slash at its ends; empty: the root.
  static TreePath Parse(std::string_view text);
};

/// `directory`/`name`.
std::string JoinPath(std::string_view directory, std::string_view name);

}  // namespace downwardfs
