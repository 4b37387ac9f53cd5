// SPDX-License-Identifier: Apache-2.0
//
// The state that the live layout (live_layout.h) keeps for the next daemon: its inodes, the files
// that are open, and the figures of the volume. How each is recorded stands in handover_records.h.
// Used under the layout's mutex.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "fs/fuse/inode.h"
#include "fs/volume/recorded_table.h"
#include "fs/volume/recorded_versions.h"

namespace downwardfs {

/// Whether a name leads to an inode.
enum class NameState : std::uint8_t {
  kHeld,     ///< no more: the kernel still knows it
  kPending,  ///< not yet: the kernel has not been told of it
  kNamed,
};

struct LiveInode {
  VolumeVersionPtr version;  ///< that it shows; of a gone name the last that had it
  std::uint64_t version_id = 0;
  std::uint32_t entry = 0;
  InodeId parent = 0;
  NameState state = NameState::kHeld;
  std::uint64_t lookups = 0;
  VolumeVersion::WallTime time;  ///< of the last change

  const TreeEntry& Entry() const { return version->entry(entry); }
};

struct LiveInodeFormat : RecordedAs<LiveInode, Record::kLiveInode, Record::kLiveDropped> {
  static constexpr char kWhat[] = "an inode";

  explicit LiveInodeFormat(const RecordedVersions& of) : versions(of) {}

  void Write(RecordWriter& record, const LiveInode& value) const;
  bool Read(InodeId id, RecordReader& reader, LiveInode& value) const;
  static NameState Indexed(const LiveInode& value) { return value.state; }
  void Index(InodeId id, const LiveInode& value, NameState before, NameState now);

  using Names = std::map<std::string, InodeId, std::less<>>;
  /// The named ones in a directory.
  const Names& Children(InodeId directory) const;

  const RecordedVersions& versions;
  std::map<InodeId, Names> children;  ///< by directory, those that are named
  std::map<std::pair<InodeId, std::string>, InodeId> pending;
};

/// An open that pins a content: that of its version, whatever is shown meanwhile.
struct LiveOpen {
  VolumeVersionPtr version;
  std::uint64_t version_id = 0;
  std::uint32_t entry = 0;
  std::string resource_version;
};

struct LiveOpenFormat : NotIndexed, RecordedAs<LiveOpen, Record::kLiveOpened, Record::kLiveClosed> {
  static constexpr char kWhat[] = "an open file";

  explicit LiveOpenFormat(const RecordedVersions& of) : versions(of) {}

  void Write(RecordWriter& record, const LiveOpen& value) const;
  bool Read(std::uint64_t handle, RecordReader& reader, LiveOpen& value) const;

  const RecordedVersions& versions;
};

struct LiveRoot {
  std::uint64_t version = 0;  ///< number of the current version; 0: none yet
  std::string resource_version;
  InodeId next = kRootInode + 1;  ///< the next inode that is free
  std::uint64_t next_open = 1;
  std::uint64_t flips = 0;
};

struct LiveRootFormat {
  using Value = LiveRoot;
  static constexpr Record kRecord = Record::kLiveRoot;

  static void Write(RecordWriter& record, const LiveRoot& value);
  static void Read(RecordReader& reader, LiveRoot& value);
};

}  // namespace downwardfs
