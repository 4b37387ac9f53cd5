// SPDX-License-Identifier: Apache-2.0
//
// The life of a version in the kubelet's layout: whether its data directory's name resolves, and to
// which inode. (Which version `..data` leads to is the root's business, not the version's.)
//
//                make         orphan          alias
//     kStaged ────────> kNamed ────────> kOrphaned ────────> kAliased
//        └──────────────┬─┘                   └────────────────┬┘
//                       │ unname                               │ unname
//                   kExpired                               kRemoved
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>

namespace downwardfs {

enum class VersionLife : std::uint8_t {
  kStaged,    ///< built; no name leads to it yet
  kNamed,     ///< its name resolves: the shown version, and retired ones for their grace time
  kOrphaned,  ///< resolves still, but its directories say that they have no link: watchers get
              ///< DELETE_SELF when the kernel lets go of them
  kAliased,   ///< the same, and the name leads to the directory's alias, which may be removed while
              ///< the directory itself lives on for those who hold it
  kExpired,   ///< no name, never orphaned: the tree could not be changed through the kernel
  kRemoved,   ///< no name; its directories have no link
};

enum class LifeEvent : std::uint8_t {
  kMake,    ///< its directory is made, or it is shown at once
  kOrphan,  ///< its directories lose their links
  kAlias,   ///< the name is given to the alias
  kUnname,  ///< the name is removed, or an attempt to show the version is given up
};

/// The life after the event. An event that comes twice, or late, changes nothing.
VersionLife After(VersionLife life, LifeEvent event);

constexpr bool HasName(VersionLife life) {
  return life == VersionLife::kNamed || life == VersionLife::kOrphaned ||
         life == VersionLife::kAliased;
}

constexpr bool HasNoLink(VersionLife life) {
  return life == VersionLife::kOrphaned || life == VersionLife::kAliased ||
         life == VersionLife::kRemoved;
}

/// As a record holds it: 1 the name resolves, 2 orphaned, 4 by alias. Bits that are not known are
/// passed over. A staged version is one that has expired and that the root calls staged.
std::uint64_t LifeToBits(VersionLife life);
VersionLife LifeFromBits(std::uint64_t bits);

}  // namespace downwardfs
