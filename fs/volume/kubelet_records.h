// SPDX-License-Identifier: Apache-2.0
//
// The state that the kubelet's layout (kubelet_layout.h) keeps for the next daemon: the state of
// each version, the links in the root, and the root itself. How each is recorded stands in
// handover_records.h. Used under the layout's mutex.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fs/fuse/inode.h"
#include "fs/volume/recorded_table.h"
#include "fs/volume/recorded_versions.h"
#include "fs/volume/version_life.h"

namespace downwardfs {

/// A version that the kernel may ask for.
struct KnownVersion {
  VolumeVersionPtr version;
  VersionLife life = VersionLife::kStaged;
  std::string resource_version;
  std::uint64_t lookups = 0;         ///< of all its inodes, aliases too
  std::vector<std::uint32_t> known;  ///< lookups of each first inode
  std::vector<bool> unlinked;        ///< by entry; empty: none
  /// Lookups of each alias, empty: none. Not recorded: the next daemon starts without.
  std::vector<std::uint32_t> known_aliases;

  bool IsUnlinked(std::uint32_t entry) const { return !unlinked.empty() && unlinked[entry]; }
};

struct KnownVersionFormat : RecordedAs<KnownVersion, Record::kState, Record::kDropped> {
  static constexpr char kWhat[] = "the state of a version";

  explicit KnownVersionFormat(const RecordedVersions& of) : versions(of) {}

  void Write(RecordWriter& record, const KnownVersion& value) const;
  bool Read(InodeId base, RecordReader& reader, KnownVersion& value) const;
  static bool Indexed(const KnownVersion& value) { return HasName(value.life); }
  void Index(InodeId base, const KnownVersion& value, bool before, bool now);

  const RecordedVersions& versions;
  /// The data directories whose names resolve: thousands, if the pod changes thousands of times
  /// within the grace time.
  std::map<std::string, InodeId, std::less<>> data_dirs;
};

/// A link in the root to the data directory's child of the same name. It outlives versions.
struct RootLink {
  std::string name;
  std::uint64_t lookups = 0;
  bool listed = true;  ///< it is in the root; else it lives on for those who hold it
  VolumeVersion::WallTime created;
};

struct RootLinkFormat : RecordedAs<RootLink, Record::kLink, Record::kDropped> {
  static constexpr char kWhat[] = "a link";

  void Write(RecordWriter& record, const RootLink& value) const;
  bool Read(InodeId id, RecordReader& reader, RootLink& value) const;
  static bool Indexed(const RootLink& value) { return value.listed; }
  void Index(InodeId id, const RootLink& value, bool before, bool now);

  /// The links that are listed: as many as the volume has files in its root.
  std::map<std::string, InodeId, std::less<>> by_name;
};

/// The root directory: which versions its names lead to.
struct KubeletRoot {
  InodeId shown = 0;              ///< base of the version that `..data` leads to; 0: none yet
  InodeId staged = 0;             ///< base of the version that is being shown; 0: none
  bool new_link = false;          ///< `..data_tmp` leads to the staged one
  InodeId next = kRootInode + 1;  ///< the next inode that is free
  VolumeVersion::WallTime time;
  std::uint64_t flips = 0;
};

struct KubeletRootFormat {
  using Value = KubeletRoot;
  static constexpr Record kRecord = Record::kRoot;

  static void Write(RecordWriter& record, const KubeletRoot& value);
  static void Read(RecordReader& reader, KubeletRoot& value);
};

}  // namespace downwardfs
