// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/inode_attr.h"

namespace downwardfs {
namespace {

// A directory's size as tmpfs has it: 20 bytes per name, "." and ".." among them.
constexpr std::uint64_t kBytesPerName = 20;
// SetVolumeOwnership adds these bits (kubernetes pkg/volume/volume_linux.go, a read-only volume).
constexpr std::uint32_t kGroupFileBits = 0440;
constexpr std::uint32_t kGroupDirectoryBits = 02550;

InodeAttr Owned(InodeId id, std::uint32_t mode, const Ownership& ownership,
                VolumeVersion::WallTime time) {
  InodeAttr attr;
  attr.id = id;
  attr.mode = mode;
  attr.uid = ownership.uid;
  attr.gid = ownership.fs_group.value_or(ownership.gid);
  attr.time = time;
  return attr;
}

}  // namespace

InodeAttr DirectoryAttr(InodeId id, std::uint32_t mode, std::uint32_t subdirectories,
                        std::uint64_t names, const Ownership& ownership,
                        VolumeVersion::WallTime time) {
  const std::uint32_t group_bits = ownership.fs_group ? kGroupDirectoryBits : 0;
  InodeAttr attr = Owned(id, kDirectoryType | mode | group_bits, ownership, time);
  attr.links = 2 + subdirectories;
  attr.size = (2 + names) * kBytesPerName;
  return attr;
}

UnsizedAttr EntryAttr(InodeId id, const VolumeVersionPtr& version, std::uint32_t index,
                      const Ownership& ownership, VolumeVersion::WallTime time) {
  const TreeEntry& entry = version->entry(index);
  if (entry.is_directory) {
    return {
        DirectoryAttr(id, entry.mode, entry.subdirectories, entry.children.size(), ownership, time),
        nullptr, 0};
  }
  const std::uint32_t group_bits = ownership.fs_group ? kGroupFileBits : 0;
  const std::uint32_t mode = (entry.mode | group_bits) & ownership.file_modes;
  InodeAttr attr = Owned(id, kFileType | mode, ownership, time);
  attr.uid = entry.user.value_or(attr.uid);
  return {attr, version, entry.file};
}

InodeAttr Sized(const UnsizedAttr& unsized) {
  InodeAttr attr = unsized.attr;
  if (unsized.version) attr.size = (*unsized.version->Contents())[unsized.file].size();
  return attr;
}

InodeAttr LinkAttr(InodeId id, std::size_t target_bytes, std::optional<std::uint32_t> user,
                   const Ownership& ownership, VolumeVersion::WallTime time) {
  InodeAttr attr = Owned(id, kLinkType | 0777, ownership, time);
  attr.uid = user.value_or(attr.uid);
  attr.size = target_bytes;
  return attr;
}

}  // namespace downwardfs
