// SPDX-License-Identifier: Apache-2.0
// A change of the volume's own tree: what the publisher arms, makes through the kernel, and what
// then arrives as a FUSE request. A value.
#pragma once

#include <cstdint>
#include <string>

namespace downwardfs {

using NodeId = std::uint64_t;
inline constexpr NodeId kRootNode = 1;  // FUSE_ROOT_ID

struct TreeChange {
  enum class Kind : std::uint8_t {
    kNone,
    kMakeDirectory,    ///< MKDIR
    kMakeFile,         ///< MKNOD
    kMakeLink,         ///< SYMLINK
    kRename,           ///< RENAME, to `new_name` in the same directory
    kUnlink,           ///< UNLINK
    kRemoveDirectory,  ///< RMDIR
    kSetAttributes,    ///< SETATTR of `node` itself
  };
  Kind kind = Kind::kNone;
  NodeId node = 0;       ///< the directory; of kSetAttributes the node
  std::string name;      ///< in the directory
  std::string new_name;  ///< of kRename

  friend bool operator==(const TreeChange&, const TreeChange&) = default;
};

}  // namespace downwardfs
