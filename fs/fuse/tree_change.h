// SPDX-License-Identifier: Apache-2.0
// A change of a volume's tree. The lane arms it and makes it through the kernel; then it arrives as
// a FUSE request. A value.
#pragma once

#include <cstdint>
#include <string>

#include "fs/fuse/inode.h"

namespace downwardfs {

struct TreeChange {
  enum class Kind : std::uint8_t {
    kNone,
    kMakeDirectory,    ///< MKDIR
    kMakeFile,         ///< MKNOD
    kMakeLink,         ///< SYMLINK
    kRename,           ///< RENAME, to `new_name` in the same directory
    kUnlink,           ///< UNLINK
    kRemoveDirectory,  ///< RMDIR
    kSetAttributes,    ///< SETATTR of `inode` itself
  };
  Kind kind = Kind::kNone;
  InodeId inode = 0;     ///< the directory; of kSetAttributes the inode
  std::string name;      ///< in the directory
  std::string new_name;  ///< of kRename

  friend bool operator==(const TreeChange&, const TreeChange&) = default;
};

using ChangeKind = TreeChange::Kind;

}  // namespace downwardfs
