// SPDX-License-Identifier: Apache-2.0
//
// The records of a volume's handover log: the one list of their numbers, and what each holds. This
// is a format between builds (docs/handover.md): an older daemon's memory is read by a newer one.
// So a number is never used for anything else, and a record that changes gets a new number, or
// kHandoverFormat is raised, after which the older memory is refused.
//
// The lists name the numbers and texts in their order; the first number of all is the record's own.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "fs/volume/handover_log.h"
#include "fs/volume/volume_version.h"

namespace downwardfs {

enum class Record : std::uint64_t {
  // The kubelet's layout.
  kVersion = 1,  ///< base, created (ns), data directory, file count; per file: path, mode, source,
                 ///< content
  kState = 2,    ///< base, life (version_life.h), resourceVersion, lookups; count, lookups of each
                 ///< first inode; unlinked entries ("0110...", or empty)
  kDropped = 3,  ///< base of a version, or id of a link
  kLink = 4,     ///< id, name, lookups, listed, created (ns)
  kRoot =
      5,  ///< shown and staged base, next inode, the root's time (ns), flips, ..data_tmp is there
  // Both layouts.
  kArmed = 6,  ///< kind, inode, name, new name: the change that is taken from the publisher now
  kDone = 7,   ///< slot, unique, and what was counted for it: an inode, or an open (top bit)
  // The live layout.
  kLiveVersion = 11,  ///< number, then as kVersion from `created` on
  kLiveInode = 12,    ///< id, version, entry, parent, named, not yet made, lookups, time (ns)
  kLiveDropped = 13,  ///< an inode's id
  kLiveDroppedVersion = 14,  ///< number
  kLiveOpened = 15,          ///< open (`fh`), version, entry, resourceVersion
  kLiveClosed = 16,          ///< open
  kLiveRoot = 17,            ///< current version, resourceVersion, next inode, next open, flips
};

inline RecordWriter StartRecord(Record record) {
  return RecordWriter().Number(static_cast<std::uint64_t>(record));
}

tl::unexpected<Error> DamagedMemory(const std::string& what);

/// A version as a record holds it: created, data directory, files with their contents, which may be
/// rendered for it.
void AppendVersion(RecordWriter& record, const VolumeVersion& version);
/// Null if it is damaged.
VolumeVersionPtr ReadVersion(RecordReader& record);

std::uint64_t ToNanoseconds(std::chrono::system_clock::time_point time);
std::chrono::system_clock::time_point FromNanoseconds(std::uint64_t nanoseconds);

}  // namespace downwardfs
