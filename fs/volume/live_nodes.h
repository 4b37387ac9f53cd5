// SPDX-License-Identifier: Apache-2.0
//
// The live layout: no links and no data directory; each item is one regular file whose content
// changes in place, so that bind mounts of single files and the kubelet's subPath stay live. An
// open pins the content that is shown at that moment; whoever reads slowly gets all of one version.
// Several files do not change at one instant.
//
// Node ids are never used again. A node lives while a name leads to it or the kernel knows it.
// Owned by the volume; all methods may be called by any thread.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fs/fuse/volume_nodes.h"
#include "fs/volume/nodes_record.h"

namespace downwardfs {

class LiveNodes final : public VolumeNodes {
 public:
  LiveNodes(Ownership ownership, WallTime created);

  /// One step to be made through the kernel, or told to it.
  struct Step {
    NodeId id = 0;
    TreeChange change;  ///< of a new or a gone name; a file that only changed has none
    std::string path;
  };
  struct Difference {
    std::vector<Step> gone;     ///< children first
    std::vector<Step> added;    ///< parents first
    std::vector<Step> changed;  ///< files with other bytes, mode or owner
  };

  /// Takes a version in: files that stay have its content from now on. Names come and go by
  /// Apply(), or all at once by ShowNames().
  Difference Stage(VolumeVersionPtr version, std::string resource_version);
  void ShowNames(const Difference& difference);

  /// What the kernel may not have been told of the shown version, since a daemon has died
  /// meanwhile: names that are not made or removed, and as changed every file that it knows.
  Difference Unfinished();

  Status UseJournal(std::unique_ptr<Journal> journal) override;
  bool WasDone(std::uint64_t unique) const override;
  void TakeBack(std::uint64_t unique) override;
  VolumeVersionPtr CurrentVersion() const override;

  std::optional<NodeAttr> Lookup(NodeId parent, std::string_view name) override;
  void Forget(NodeId id, std::uint64_t count) override;
  void ForgetAll(const std::vector<Forgotten>& nodes) override;
  std::optional<NodeAttr> Attr(NodeId id) const override;
  std::optional<std::string> ReadLink(NodeId id) const override;
  std::optional<FileRef> File(NodeId id) const override;
  std::optional<std::vector<DirectoryEntry>> List(NodeId id) const override;
  bool opens_files() const override { return true; }
  std::optional<std::uint64_t> OpenFile(NodeId id) override;
  std::optional<FileRef> Opened(std::uint64_t handle) const override;
  void CloseFile(std::uint64_t handle) override;
  std::optional<NodeAttr> Apply(const TreeChange& change) override;
  void Arm(TreeChange change) override;
  std::vector<NodeId> SetOwnership(const Ownership& ownership) override;
  void SetResourceVersion(std::string resource_version) override;
  VolumeStats GetStats() const override;

 private:
  // In what a request has left behind (NodesRecord::Done): the number of an open.
  static constexpr std::uint64_t kOpenedBit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t kClosedRecord = 16;

  struct Node {
    VolumeVersionPtr version;  // what it shows; of a gone name the last that had it
    std::uint64_t version_id = 0;
    std::uint32_t entry = 0;
    NodeId parent = 0;
    bool named = false;  // a name leads to it
    std::uint64_t lookups = 0;
    WallTime time;                                        // of the last change
    std::map<std::string, NodeId, std::less<>> children;  // by name; those that are named

    const TreeEntry& Entry() const { return version->entry(entry); }
  };

  // The version that was shown and the one that is staged, with their bytes.
  struct Comparison {
    VolumeVersionPtr before;
    FileContents::BytesPtr old_bytes;
    FileContents::BytesPtr new_bytes;
    Difference difference;
  };
  void Compare(NodeId directory, std::uint32_t entry, const std::string& path,
               Comparison& comparison) REQUIRES(mutex_);
  bool SameFile(const Node& node, std::uint32_t entry, const Comparison& comparison) const
      REQUIRES(mutex_);
  void AddBelow(NodeId directory, std::uint32_t entry, const std::string& path,
                Difference& difference) REQUIRES(mutex_);
  void RemoveBelow(NodeId id, const std::string& path, Difference& difference) REQUIRES(mutex_);
  NodeId AddNode(NodeId parent, std::uint32_t entry) REQUIRES(mutex_);
  void Name(const TreeChange& change, NodeId id) REQUIRES(mutex_);
  void Unname(const TreeChange& change) REQUIRES(mutex_);
  void DropIfUnused(NodeId id) REQUIRES(mutex_);
  void DropPending() REQUIRES(mutex_);
  std::string PathOf(NodeId id) const REQUIRES(mutex_);

  // live_record.cc: what the journal holds of all this.
  friend class Saving<LiveNodes>;
  void EndSaving() NO_THREAD_SAFETY_ANALYSIS;
  void SaveVersion(std::uint64_t id) REQUIRES(mutex_);
  void DropUnusedVersions() REQUIRES(mutex_);
  void SaveNode(NodeId id) REQUIRES(mutex_);
  void SaveDropped(NodeId id) REQUIRES(mutex_);
  void SaveOpened(std::uint64_t handle) REQUIRES(mutex_);
  void SaveMeta() REQUIRES(mutex_);
  void SaveAll() REQUIRES(mutex_);
  Status Load(RecordReader record) REQUIRES(mutex_);
  Status LoadNode(RecordReader& record) REQUIRES(mutex_);
  Status LoadOpened(RecordReader& record) REQUIRES(mutex_);
  Status TieTogether() REQUIRES(mutex_);
  std::optional<NodeAttr> AttrLocked(NodeId id) const REQUIRES(mutex_);
  std::optional<NodeId> NodeToMake(const TreeChange& change) const REQUIRES(mutex_);
  void ForgetLocked(NodeId id, std::uint64_t count) REQUIRES(mutex_);
  std::optional<FileRef> FileLocked(NodeId id) const REQUIRES(mutex_);

  mutable Mutex mutex_;
  Ownership ownership_ GUARDED_BY(mutex_);
  std::map<NodeId, Node> nodes_ GUARDED_BY(mutex_);
  // New names that the kernel has not been told of.
  std::map<std::pair<NodeId, std::string>, NodeId> pending_ GUARDED_BY(mutex_);
  struct OpenedFile {
    FileRef file;
    std::uint64_t version_id = 0;
  };
  std::map<std::uint64_t, OpenedFile> opened_ GUARDED_BY(mutex_);
  // Opens of the daemon before us that come again, by the request: the number stays.
  std::map<std::uint64_t, std::uint64_t> opened_before_ GUARDED_BY(mutex_);
  VolumeVersionPtr current_ GUARDED_BY(mutex_);
  std::uint64_t current_id_ GUARDED_BY(mutex_) = 0;
  // Those that a node or an open file shows, for the journal.
  std::map<std::uint64_t, VolumeVersionPtr> versions_ GUARDED_BY(mutex_);
  NodesRecord record_ GUARDED_BY(mutex_);
  std::string resource_version_ GUARDED_BY(mutex_);
  NodeId next_id_ GUARDED_BY(mutex_) = kRootNode + 1;
  std::uint64_t next_handle_ GUARDED_BY(mutex_) = 1;
  std::uint64_t flips_ GUARDED_BY(mutex_) = 0;
};

}  // namespace downwardfs
