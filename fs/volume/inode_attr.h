// SPDX-License-Identifier: Apache-2.0
// The attributes of the inodes of a volume, in either layout: modes, owners and sizes as the
// kubelet's tmpfs shows them. Pure functions; any thread.
#pragma once

#include "fs/fuse/volume_nodes.h"

namespace downwardfs {

inline constexpr std::uint32_t kDirectoryType = 0040000;  // S_IFDIR
inline constexpr std::uint32_t kFileType = 0100000;       // S_IFREG
inline constexpr std::uint32_t kLinkType = 0120000;       // S_IFLNK

inline constexpr std::uint32_t kRootMode = 01777;  // of the kubelet's emptyDir-backed volumes

/// A directory with `names` names beside "." and "..".
NodeAttr DirectoryAttr(NodeId id, std::uint32_t mode, std::uint32_t subdirectories,
                       std::uint64_t names, const Ownership& ownership, VolumeNodes::WallTime time);

/// A directory or file of a version.
NodeAttr EntryAttr(NodeId id, const VolumeVersion& version, std::uint32_t index,
                   const Ownership& ownership, VolumeNodes::WallTime time);

NodeAttr LinkAttr(NodeId id, std::size_t target_bytes, const Ownership& ownership,
                  VolumeNodes::WallTime time);

}  // namespace downwardfs
