// SPDX-License-Identifier: Apache-2.0
//
// How the tree shows the index: which directories and links there are, what is in them, where links
// lead. Everything that needs no object's content. Pure functions of an index, whose owner holds
// its lock meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/cluster/cluster_index.h"
#include "fs/cluster/tree_path.h"
#include "fs/fuse/inode.h"

namespace downwardfs {

/// A directory or a link.
struct TreePlace {
  bool is_link = false;
  std::string target;             ///< of a link
  std::uint32_t directories = 0;  ///< in a directory
  std::int64_t time = 0;          ///< seconds since 1970; 0: the mount's
  bool changes = true;            ///< of a directory: how many directories it holds
  /// Tells it from another one at the same path: the pod's uid, the link's target.
  std::uint64_t identity = 0;
};

/// The inode of what is at `path`. The same for the same thing in every mount, so that a tool
/// that looks twice sees one inode, although the kernel has forgotten it meanwhile.
InodeId InodeIdOf(std::string_view path, std::uint64_t identity);

/// Nothing where the path does not exist, and for what lies below a pod or a node.
std::optional<TreePlace> FindPlace(const ClusterIndex& index, const TreePath& path);

/// The names in a directory that FindPlace() finds, without cookies. Of a node only those that are
/// not its object's.
std::vector<DirectoryEntry> ListPlace(const ClusterIndex& index, const TreePath& path,
                                      std::string_view text);

/// Every place that is there, or is as it is, because of this pod: what may be gone or lead
/// elsewhere when the pod changes.
std::vector<std::string> PathsOf(const ClusterIndex::PodRecord& pod);
/// Of a node as an object.
std::vector<std::string> PathsOfNode(std::string_view node);

}  // namespace downwardfs
