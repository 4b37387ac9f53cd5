// SPDX-License-Identifier: Apache-2.0
//
// What the kernel may ask for: the volume's root, its links, and every version that it still
// knows. Node ids are 64-bit, never used again, and computed rather than stored: a version owns a
// block of them (its `..data` link, then one per entry), so an inode costs no memory of its own
// and a block lives as long as the kernel's lookup count for any of its nodes is above zero.
//
// The table knows nothing of libfuse. Owned by the volume's session; all methods may be called by
// any thread. What they return is a value or pins its version, so no lock is held while the caller
// replies to the kernel.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "fs/tree/volume_version.h"

namespace downwardfs {

using NodeId = std::uint64_t;
inline constexpr NodeId kRootNode = 1;  // FUSE_ROOT_ID

/// Who owns the inodes. With an fsGroup, modes and group are those that the kubelet's
/// SetVolumeOwnership gives a read-only volume: files |0440, directories |02550, the group.
struct Ownership {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::optional<std::uint32_t> fs_group;
};

/// What stat(2) shows.
struct NodeAttr {
  NodeId id = 0;
  std::uint32_t mode = 0;  ///< with the type bits
  std::uint32_t links = 1;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
  std::chrono::system_clock::time_point time;
};

/// One name of a directory. The cookie is that of the entry itself; it stays the same while other
/// names come and go, so a listing can go on after it.
struct DirectoryEntry {
  std::string name;
  NodeId id = 0;
  std::uint32_t type = 0;  ///< S_IFDIR, S_IFREG or S_IFLNK
  std::uint64_t cookie = 0;
};

/// A file of a version, pinned.
struct FileRef {
  VolumeVersionPtr version;
  const TreeEntry* entry = nullptr;
  std::string resource_version;
};

class NodeTable {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  NodeTable(Ownership ownership, WallTime created);

  /// What the kernel has to be told after Install().
  struct Flip {
    std::vector<std::string> stale_names;  ///< names in the root that mean something else now
    std::optional<std::uint64_t> retired;  ///< the old version, for Expire()
  };

  /// Makes `version` the current one: from now on `..data` leads to it. The old one still resolves.
  Flip Install(VolumeVersionPtr version, std::string resource_version);

  /// Says that the current version is also right for a newer resourceVersion.
  void SetResourceVersion(std::string resource_version);

  /// Ends the time in which a retired data directory's name resolves (it does so on its own for
  /// whoever holds it). Returns the name, which the kernel must be told to drop.
  std::optional<std::string> Expire(std::uint64_t retired);

  /// LOOKUP: finds `name` and counts one lookup of the node that is found.
  std::optional<NodeAttr> Lookup(NodeId parent, std::string_view name);
  /// FORGET: the kernel drops `count` lookups of the node.
  void Forget(NodeId id, std::uint64_t count);

  std::optional<NodeAttr> Attr(NodeId id) const;
  std::optional<std::string> ReadLink(NodeId id) const;
  std::optional<FileRef> File(NodeId id) const;
  /// The listing of a directory with "." and "..": the retired data directories are not in it.
  std::optional<std::vector<DirectoryEntry>> List(NodeId id) const;

  struct Stats {
    std::uint64_t versions = 0;       ///< live ones, the current one included
    std::uint64_t lookups = 0;        ///< sum of lookup counts, the root's left out
    std::uint64_t flips = 0;          ///< versions installed after the first
    std::uint64_t files = 0;          ///< of the current version
    std::uint64_t content_bytes = 0;  ///< of the current version
    std::string data_dir;             ///< of the current version
    std::string resource_version;     ///< of the current version
  };
  Stats GetStats() const;

 private:
  // A version's block of node ids: base is `..data`, base + 1 + i is entry i.
  struct Live {
    VolumeVersionPtr version;
    std::string resource_version;
    std::uint64_t lookups = 0;
    bool resolves = true;  // its name is found in the root
  };
  // A link in the root to the data directory's child of the same name. It outlives versions.
  struct Link {
    std::string name;
    std::uint64_t lookups = 0;
    bool listed = true;
    WallTime created;
  };
  using LiveMap = std::map<NodeId, Live>;
  struct Located {
    LiveMap::const_iterator live;
    std::uint32_t index;  // 0: `..data`; otherwise entry index - 1
  };

  std::optional<Located> Locate(NodeId id) const REQUIRES(mutex_);
  std::optional<NodeId> FindInRoot(std::string_view name) const REQUIRES(mutex_);
  std::optional<NodeAttr> AttrLocked(NodeId id) const REQUIRES(mutex_);
  NodeAttr RootAttr() const REQUIRES(mutex_);
  NodeAttr EntryAttr(NodeId id, const VolumeVersion& version, std::uint32_t index) const;
  NodeAttr LinkAttr(NodeId id, std::size_t target_bytes, WallTime time) const;
  void UpdateLinks(std::vector<std::string>& stale) REQUIRES(mutex_);
  void DropIfUnused(NodeId base) REQUIRES(mutex_);
  const Live& Current() const REQUIRES(mutex_);

  const Ownership ownership_;
  mutable Mutex mutex_;
  LiveMap live_ GUARDED_BY(mutex_);
  std::map<NodeId, Link> links_ GUARDED_BY(mutex_);
  // The data directories whose names resolve: thousands, where the pod changes thousands of times
  // within the grace time.
  std::map<std::string, NodeId, std::less<>> data_dirs_ GUARDED_BY(mutex_);
  NodeId current_ GUARDED_BY(mutex_) = 0;  // base of the current version; 0: none yet
  NodeId next_id_ GUARDED_BY(mutex_) = kRootNode + 1;
  WallTime root_time_ GUARDED_BY(mutex_);
  std::uint64_t flips_ GUARDED_BY(mutex_) = 0;
};

}  // namespace downwardfs
