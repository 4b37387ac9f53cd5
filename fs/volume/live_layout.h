// SPDX-License-Identifier: Apache-2.0
//
// The live layout: no links and no data directory; each item is one regular file whose content
// changes in place, so that bind mounts of single files and the kubelet's subPath stay live. An
// open pins the content that is shown at that moment, and each read from the start pins it anew; a
// slow reader gets all of one version. Several files do not change at one instant.
//
// Inodes are never used again. An inode lives while a name leads to it or the kernel knows it.
// Owned by the volume; all methods may be called by any thread, those that change which version is
// shown by one at a time (the volume's lane, or before it is mounted).
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "fs/volume/live_records.h"
#include "fs/volume/volume_layout.h"

namespace downwardfs {

class LiveLayout final : public VolumeLayout {
 public:
  LiveLayout(Ownership ownership, WallTime created);

  /// One step to be made through the kernel, or told to it.
  struct Step {
    InodeId id = 0;
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
  Difference Stage(VolumeVersionPtr version, std::string resource_version) EXCLUDES(mutex_);
  void ShowNames(const Difference& difference) EXCLUDES(mutex_);
  /// The changes of the shown version that the kernel may not have been told of, since a daemon has
  /// died meanwhile: names that are not made or removed, and as changed every file that it knows.
  Difference Unfinished() EXCLUDES(mutex_);

  Traits traits() const override { return {.opens_files = true, .takes_changes = true}; }
  std::optional<std::string> ReadLink(InodeId) const override { return std::nullopt; }
  /// A reader that begins anew gets what is shown now (as from the kernel's own seq_file): a
  /// program that keeps its open for ever sees every change, and fstat(2) fits what it reads. A
  /// read that goes on gets the rest of what it has begun. One that asks again, later, at the end
  /// that it was told of, follows the file (`tail -f`): it gets what is there now, as of any file.
  FileBytes Content(InodeId id, std::uint64_t handle, std::uint64_t offset) override
      EXCLUDES(mutex_);
  std::optional<std::uint64_t> OpenFile(InodeId id) override EXCLUDES(mutex_);
  void CloseFile(std::uint64_t handle) override EXCLUDES(mutex_);
  /// The content that an open has pinned.
  std::optional<FileRef> Opened(std::uint64_t handle) const EXCLUDES(mutex_);
  void SetResourceVersion(std::string resource_version) override EXCLUDES(mutex_);

 private:
  std::optional<InodeId> Find(InodeId parent, std::string_view name) const override
      REQUIRES(mutex_);
  void AddLookup(Edit& edit, InodeId id) override REQUIRES(mutex_);
  void DropLookups(Edit& edit, const Forgotten& inode) override REQUIRES(mutex_);
  std::optional<UnsizedAttr> Describe(InodeId id) const override REQUIRES(mutex_);
  std::optional<FileRef> FindFile(InodeId id) const override REQUIRES(mutex_);
  std::optional<std::vector<DirectoryEntry>> Names(InodeId id) const override REQUIRES(mutex_);
  std::optional<Changed> Change(Edit& edit, const TreeChange& change) override REQUIRES(mutex_);
  std::vector<InodeId> KnownInodes() const override REQUIRES(mutex_);
  VolumeVersionPtr Current() const override REQUIRES(mutex_);
  VolumeStats Figures() const override REQUIRES(mutex_);
  void TakeBackOpen(std::uint64_t unique, std::uint64_t handle) override REQUIRES(mutex_);
  // live_check.cc
  Status Check() override REQUIRES(mutex_);
  Status CheckInode(InodeId id, const LiveInode& inode) const REQUIRES(mutex_);
  void Rehearse() override EXCLUDES(mutex_);

  std::optional<InodeId> InodeToMake(const TreeChange& change) const REQUIRES(mutex_);
  void Name(Edit& edit, const TreeChange& change, InodeId id) REQUIRES(mutex_);
  void Unname(Edit& edit, const TreeChange& change) REQUIRES(mutex_);
  void DropIfUnused(Edit& edit, InodeId id) REQUIRES(mutex_);
  LiveOpen Pin(const LiveInode& inode) const REQUIRES(mutex_);
  void PinAnew(InodeId id, std::uint64_t handle) REQUIRES(mutex_);
  /// Whether the reader that has reached the end goes on, and then with what is shown now.
  bool Follows(InodeId id, std::uint64_t handle) EXCLUDES(mutex_);
  void Close(Edit& edit, std::uint64_t handle) REQUIRES(mutex_);

  // live_difference.cc: how a version compares with what is shown.
  using BytesOf = std::map<VolumeVersionPtr, FileContents::BytesPtr>;
  struct Comparison {
    VolumeVersionPtr now;
    BytesOf bytes;  // of every version that an inode shows, rendered before the lock was taken
    Difference difference;
  };
  BytesOf RenderShown(const VolumeVersionPtr& next) const EXCLUDES(mutex_);
  void Compare(Edit& edit, InodeId directory, std::uint32_t entry, const std::string& path,
               Comparison& comparison) REQUIRES(mutex_);
  static bool SameFile(const LiveInode& inode, std::uint32_t entry, const Comparison& comparison);
  void ShowEntry(Edit& edit, InodeId id, std::uint32_t entry, bool changed,
                 const Comparison& comparison) REQUIRES(mutex_);
  void AddBelow(Edit& edit, InodeId directory, std::uint32_t entry, const std::string& path,
                Comparison& comparison) REQUIRES(mutex_);
  void RemoveBelow(InodeId id, const std::string& path, Difference& difference) const
      REQUIRES(mutex_);
  void DropPending(Edit& edit) REQUIRES(mutex_);
  void DropUnusedVersions(Edit& edit) REQUIRES(mutex_);
  void DropOldest(Edit& edit) REQUIRES(mutex_);
  bool DropVersion(Edit& edit, std::uint64_t id) REQUIRES(mutex_);
  std::string PathOf(InodeId id) const REQUIRES(mutex_);

  RecordedVersions versions_ GUARDED_BY(mutex_){
      record_, {Record::kLiveVersion, Record::kLiveDroppedVersion}};
  RecordedTable<LiveInodeFormat> inodes_ GUARDED_BY(mutex_){record_, LiveInodeFormat(versions_)};
  RecordedTable<LiveOpenFormat> opened_ GUARDED_BY(mutex_){record_, LiveOpenFormat(versions_)};
  RecordedValue<LiveRootFormat> root_ GUARDED_BY(mutex_){record_, LiveRoot{}};
  // Opens of the daemon before us that come again, by the request: the number stays.
  std::map<std::uint64_t, std::uint64_t> opened_before_ GUARDED_BY(mutex_);
  // Opens whose reader was told of the end of what it has pinned, and when. Not recorded.
  std::map<std::uint64_t, std::chrono::steady_clock::time_point> ended_ GUARDED_BY(mutex_);
};

}  // namespace downwardfs
