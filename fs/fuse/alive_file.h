// SPDX-License-Identifier: Apache-2.0
//
// `..alive` in the root of every mount: a file that is in no listing, that the kernel never keeps,
// and that is there only while somebody serves the mount. All other names and contents may be
// cached by the kernel, so a reader of those cannot tell that nobody serves them any more. For
// probes: `test -e /etc/downward/..alive`. No file of a volume can have the name (a path's first
// element must not begin with `..`). The protocol answers for it (operations.cc); no file system
// knows it. Pure; any thread.
#pragma once

#include <string_view>

#include "fs/fuse/inode.h"

namespace downwardfs {

inline constexpr std::string_view kAliveName = "..alive";
inline constexpr std::string_view kAliveContent = "alive\n";
/// Beyond the numbers that file systems give out, which count up from the root's.
inline constexpr InodeId kAliveInode = InodeId{1} << 62;

/// Its attributes; the kernel asks again at each use.
inline Entry AliveEntry() {
  Entry entry;
  entry.id = kAliveInode;
  entry.mode = kFileType | 0444;
  entry.size = kAliveContent.size();
  entry.keep_name = entry.keep_attr = false;
  return entry;
}

}  // namespace downwardfs
