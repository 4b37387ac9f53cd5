// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/inode_attr.h"

#include <sys/stat.h>

namespace downwardfs {
namespace {

static_assert(kDirectoryType == S_IFDIR && kFileType == S_IFREG && kLinkType == S_IFLNK);

// A directory's size as tmpfs has it: 20 bytes per name, "." and ".." among them.
constexpr std::uint64_t kBytesPerName = 20;
// What SetVolumeOwnership adds (kubernetes pkg/volume/volume_linux.go, a read-only volume).
constexpr std::uint32_t kGroupFileBits = 0440;
constexpr std::uint32_t kGroupDirectoryBits = 02550;

NodeAttr Owned(NodeId id, std::uint32_t mode, const Ownership& ownership,
               VolumeNodes::WallTime time) {
  NodeAttr attr;
  attr.id = id;
  attr.mode = mode;
  attr.uid = ownership.uid;
  attr.gid = ownership.fs_group.value_or(ownership.gid);
  attr.time = time;
  return attr;
}

}  // namespace

NodeAttr DirectoryAttr(NodeId id, std::uint32_t mode, std::uint32_t subdirectories,
                       std::uint64_t names, const Ownership& ownership,
                       VolumeNodes::WallTime time) {
  const std::uint32_t group_bits = ownership.fs_group ? kGroupDirectoryBits : 0;
  NodeAttr attr = Owned(id, kDirectoryType | mode | group_bits, ownership, time);
  attr.links = 2 + subdirectories;
  attr.size = (2 + names) * kBytesPerName;
  return attr;
}

NodeAttr EntryAttr(NodeId id, const VolumeVersion& version, std::uint32_t index,
                   const Ownership& ownership, VolumeNodes::WallTime time) {
  const TreeEntry& entry = version.entry(index);
  if (entry.is_directory) {
    return DirectoryAttr(id, entry.mode, entry.subdirectories, entry.children.size(), ownership,
                         time);
  }
  const std::uint32_t group_bits = ownership.fs_group ? kGroupFileBits : 0;
  const std::uint32_t mode = (entry.mode | group_bits) & ownership.file_modes;
  NodeAttr attr = Owned(id, kFileType | mode, ownership, time);
  attr.size = (*version.Contents())[entry.file].size();
  return attr;
}

NodeAttr LinkAttr(NodeId id, std::size_t target_bytes, const Ownership& ownership,
                  VolumeNodes::WallTime time) {
  NodeAttr attr = Owned(id, kLinkType | 0777, ownership, time);
  attr.size = target_bytes;
  return attr;
}

}  // namespace downwardfs
