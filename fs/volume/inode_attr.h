// SPDX-License-Identifier: Apache-2.0
// The attributes of the inodes of a volume, in either layout: modes, owners and sizes as the
// kubelet's tmpfs shows them. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "fs/fuse/inode.h"
#include "fs/volume/volume_version.h"

namespace downwardfs {

inline constexpr std::uint32_t kRootMode = 01777;  // of the kubelet's emptyDir-backed volumes

/// The owner of the inodes. With an fsGroup, modes and group are those that the kubelet's
/// SetVolumeOwnership gives a read-only volume: files |0440, directories |02550, the group.
struct Ownership {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::optional<std::uint32_t> fs_group;
  /// Which bits of a file's mode are shown. If the mount itself is not read-only, others than the
  /// owner must not get a writable mapping: what it changes is in everybody's page cache.
  std::uint32_t file_modes = 07777;
};

/// Attributes of which a file's size is not known yet: it may have to be rendered, and that happens
/// with no lock held.
struct UnsizedAttr {
  InodeAttr attr;
  VolumeVersionPtr version;  ///< of a file; else null
  std::uint32_t file = 0;    ///< its place in the version's contents
};
/// Not under a lock that a serving thread may want.
InodeAttr Sized(const UnsizedAttr& unsized);

/// A directory with `names` names beside "." and "..".
InodeAttr DirectoryAttr(InodeId id, std::uint32_t mode, std::uint32_t subdirectories,
                        std::uint64_t names, const Ownership& ownership,
                        VolumeVersion::WallTime time);

/// A directory or file of a version.
UnsizedAttr EntryAttr(InodeId id, const VolumeVersionPtr& version, std::uint32_t index,
                      const Ownership& ownership, VolumeVersion::WallTime time);

/// A link, of the volume's user unless `user` is given.
InodeAttr LinkAttr(InodeId id, std::size_t target_bytes, std::optional<std::uint32_t> user,
                   const Ownership& ownership, VolumeVersion::WallTime time);

}  // namespace downwardfs
