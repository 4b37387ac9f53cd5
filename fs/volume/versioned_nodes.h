// SPDX-License-Identifier: Apache-2.0
//
// The kubelet's layout: the volume's root, its links, and every version that the kernel still
// knows. Node ids are 64-bit, never used again, and computed rather than stored: a version owns two
// blocks of them (its `..data` link, then one per entry; and the aliases of all these), so an inode
// costs a counter and the blocks live as long as the kernel's lookup count for any of them is above
// zero.
//
// A version's life: staged (built, no name leads to it), shown, retired (its directory still
// resolves by name, its known files have been unlinked for those who watch them), gone (no name;
// whoever holds its directory goes on). An alias is what a later lookup finds where the kernel has
// unlinked the first inode: another inode with the same content.
//
// Owned by the volume; all methods may be called by any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "fs/fuse/volume_nodes.h"
#include "fs/volume/nodes_record.h"

namespace downwardfs {

/// The link to the data directory that is shown, and its name before it is moved there.
inline constexpr char kDataLink[] = "..data";
inline constexpr char kNewDataLink[] = "..data_tmp";

class VersionedNodes final : public VolumeNodes {
 public:
  VersionedNodes(Ownership ownership, WallTime created);

  Status UseJournal(std::unique_ptr<Journal> journal) override;
  bool WasDone(std::uint64_t unique) const override;
  void TakeBack(std::uint64_t unique) override;
  VolumeVersionPtr CurrentVersion() const override;
  /// What an attempt to show a version has left: its directory, which must be removed, and the name
  /// of the link. Nothing where no attempt is under way.
  std::optional<std::string> UnfinishedDirectory() const;
  /// Names in the root that have led elsewhere at some time, or have gone: the kernel may know them
  /// as they were.
  std::vector<std::string> MovedNames() const;
  /// Versions that resolve by name, but are not shown.
  std::vector<std::pair<NodeId, std::string>> RetiredVersions() const;

  /// What has to happen for a version to be shown.
  struct Flip {
    NodeId version = 0;
    std::string data_dir;
    std::vector<std::string> new_links;   ///< in the root, to be made after `..data` has moved
    std::vector<std::string> gone_links;  ///< to be removed after that
    NodeId retires = 0;                   ///< the version that is shown now; 0: none
    std::string retired_dir;              ///< its data directory
  };

  /// What the shown version still lacks: links that an update has not come to.
  Flip Unfinished() const;

  /// Takes a version in, shown by nothing yet.
  Flip Stage(VolumeVersionPtr version, std::string resource_version);

  /// Shows the staged version without any request from the kernel: `..data` and the links change
  /// at once. Returns the names in the root that mean something else now.
  std::vector<std::string> Show(const Flip& flip);

  /// A node of a retired version, by its path from the root.
  struct Known {
    TreeChange removal;  ///< of a file: the change that unlinks it
    NodeId id = 0;
    std::string path;
  };
  /// The files of the version that the kernel knows and that have not been unlinked.
  std::vector<Known> KnownFiles(NodeId version) const;
  /// The directories of the version that the kernel knows, deepest first.
  std::vector<Known> KnownDirectories(NodeId version) const;

  /// From now on the version's directories say that they have no link, so that their watchers get
  /// DELETE_SELF when the kernel lets go of them.
  void Orphan(NodeId version);
  /// From now on the name of the version's directory leads to its alias, which may be removed while
  /// the directory itself lives on for those who hold it.
  void ShowAlias(NodeId version);
  /// The name leads nowhere; the version is freed once the kernel has forgotten it.
  void Expire(NodeId version);

  std::optional<NodeAttr> Lookup(NodeId parent, std::string_view name) override;
  void Forget(NodeId id, std::uint64_t count) override;
  void ForgetAll(const std::vector<Forgotten>& nodes) override;
  std::optional<NodeAttr> Attr(NodeId id) const override;
  std::optional<std::string> ReadLink(NodeId id) const override;
  std::optional<FileRef> File(NodeId id) const override;
  /// Retired data directories are not in the root's listing.
  std::optional<std::vector<DirectoryEntry>> List(NodeId id) const override;
  std::optional<NodeAttr> Apply(const TreeChange& change) override;
  std::vector<NodeId> SetOwnership(const Ownership& ownership) override;
  void SetResourceVersion(std::string resource_version) override;
  VolumeStats GetStats() const override;
  void Arm(TreeChange change) override;

 private:
  // Node ids: base is `..data`, base + 1 + i is entry i; the aliases follow in the same order.
  struct Live {
    VolumeVersionPtr version;
    std::string resource_version;
    std::uint64_t lookups = 0;         // of all its nodes, aliases too
    std::vector<std::uint32_t> known;  // lookups of each first inode
    std::vector<bool> unlinked;        // by entry; empty: none
    bool named = false;                // its data directory's name resolves
    bool orphaned = false;
    bool by_alias = false;
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
    std::uint32_t index;  // 0: `..data`; otherwise entry index + 1
    bool alias;

    bool is_link() const { return index == 0; }
    std::uint32_t entry() const { return index - 1; }
  };

  std::optional<Located> Locate(NodeId id) const REQUIRES(mutex_);
  std::optional<NodeId> FindInRoot(std::string_view name) const REQUIRES(mutex_);
  std::optional<NodeId> FindLink(std::string_view name) const REQUIRES(mutex_);
  std::optional<NodeId> FindInDirectory(const Located& directory, std::string_view name) const
      REQUIRES(mutex_);
  std::optional<NodeAttr> AttrLocked(NodeId id) const REQUIRES(mutex_);
  NodeAttr RootAttr() const REQUIRES(mutex_);
  void CountLookup(NodeId id) REQUIRES(mutex_);
  void ForgetLocked(NodeId id, std::uint64_t count) REQUIRES(mutex_);
  void DropIfUnused(NodeId base) REQUIRES(mutex_);
  void MakeCurrent(NodeId base) REQUIRES(mutex_);
  void AddLink(const std::string& name) REQUIRES(mutex_);
  void RemoveLink(const std::string& name) REQUIRES(mutex_);
  std::optional<NodeId> ApplyInRoot(const TreeChange& change) REQUIRES(mutex_);
  std::vector<Known> KnownOf(NodeId base, bool directories) const REQUIRES(mutex_);
  const Live& Current() const REQUIRES(mutex_);
  void CompareLinks(const VolumeVersion& version, Flip& flip) const REQUIRES(mutex_);
  void DropLinkIfUnused(NodeId id) REQUIRES(mutex_);

  // versioned_record.cc: what the journal holds of all this.
  friend class Saving<VersionedNodes>;
  void EndSaving() NO_THREAD_SAFETY_ANALYSIS;
  void SaveVersion(NodeId base) REQUIRES(mutex_);
  void SaveState(NodeId base) REQUIRES(mutex_);
  void SaveDropped(NodeId base) REQUIRES(mutex_);
  void SaveLink(NodeId id) REQUIRES(mutex_);
  void SaveMeta() REQUIRES(mutex_);
  void SaveAll() REQUIRES(mutex_);
  Status Load(RecordReader record) REQUIRES(mutex_);
  Status LoadVersion(RecordReader& record) REQUIRES(mutex_);
  Status LoadState(RecordReader& record) REQUIRES(mutex_);
  Status CheckLoaded() const REQUIRES(mutex_);

  mutable Mutex mutex_;
  Ownership ownership_ GUARDED_BY(mutex_);
  LiveMap live_ GUARDED_BY(mutex_);
  std::map<NodeId, Link> links_ GUARDED_BY(mutex_);
  // The data directories whose names resolve: thousands, where the pod changes thousands of times
  // within the grace time.
  std::map<std::string, NodeId, std::less<>> data_dirs_ GUARDED_BY(mutex_);
  NodeId current_ GUARDED_BY(mutex_) = 0;        // base of the current version; 0: none yet
  NodeId staged_ GUARDED_BY(mutex_) = 0;         // base of the version that is being shown; 0: none
  bool staged_link_ GUARDED_BY(mutex_) = false;  // `..data_tmp` leads to it
  NodeId next_id_ GUARDED_BY(mutex_) = kRootNode + 1;
  WallTime root_time_ GUARDED_BY(mutex_);
  std::uint64_t flips_ GUARDED_BY(mutex_) = 0;
  TreeChange armed_now_ GUARDED_BY(mutex_);  // a copy, for the journal
  NodesRecord record_ GUARDED_BY(mutex_);
};

}  // namespace downwardfs
