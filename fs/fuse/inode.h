// SPDX-License-Identifier: Apache-2.0
// The words in which the FUSE protocol speaks of a file system: inodes, their attributes, the names
// of a directory. Values; any thread. (A "node" is a Kubernetes Node, never an inode.)
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace downwardfs {

/// The kernel's number of an inode, FUSE's "nodeid". It is also the st_ino that programs see.
using InodeId = std::uint64_t;
inline constexpr InodeId kRootInode = 1;  // FUSE_ROOT_ID

inline constexpr std::uint32_t kDirectoryType = 0040000;  // S_IFDIR
inline constexpr std::uint32_t kFileType = 0100000;       // S_IFREG
inline constexpr std::uint32_t kLinkType = 0120000;       // S_IFLNK

/// The attributes that stat(2) shows.
struct InodeAttr {
  InodeId id = 0;
  std::uint32_t mode = 0;  ///< with the type bits
  std::uint32_t links = 1;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
  std::chrono::system_clock::time_point time;
};

/// An inode as a reply shows it, and how long the kernel may keep that.
struct Entry : InodeAttr {
  bool keep_name = true;  ///< until the name is invalidated; else the kernel asks at each use
  bool keep_attr = true;
};

/// The kernel drops `count` lookups of an inode.
struct Forgotten {
  InodeId id = 0;
  std::uint64_t count = 0;
};

/// One name of a directory. A listing that is cut off goes on after the cookie that it has reached,
/// so cookies grow along the listing.
struct DirectoryEntry {
  std::string name;
  InodeId id = 0;          ///< 0: not known before somebody looks the name up
  std::uint32_t type = 0;  ///< kDirectoryType, kFileType or kLinkType
  std::uint64_t cookie = 0;
};

using Listing = std::shared_ptr<const std::vector<DirectoryEntry>>;
/// The content of a file, or a part of something larger that it keeps alive.
using FileBytes = std::shared_ptr<const std::string>;

}  // namespace downwardfs
