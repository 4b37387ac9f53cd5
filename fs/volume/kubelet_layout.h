// SPDX-License-Identifier: Apache-2.0
//
// The kubelet's layout: the volume's root, its links, and every version that the kernel still
// knows. Inodes are 64-bit numbers, never used again, and computed rather than stored: a version
// owns two blocks of them (its `..data` link, then one per entry; and the aliases of all these), so
// an inode costs a counter and the blocks live as long as the kernel's lookup count for any of them
// is above zero. A version is named by its base, the first of these.
//
// A version's life is in version_life.h. An alias is what a later lookup finds if the kernel has
// unlinked the first inode: another inode with the same content.
//
// Owned by the volume; all methods may be called by any thread, those that change which version is
// shown by one at a time (the volume's lane, or before it is mounted).
#pragma once

#include <sys/types.h>

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fs/volume/kubelet_records.h"
#include "fs/volume/volume_layout.h"

namespace downwardfs {

/// The link to the data directory that is shown, and its name before it is moved there.
inline constexpr char kDataLink[] = "..data";
inline constexpr char kNewDataLink[] = "..data_tmp";
/// A removed data directory under no name that anybody knows, for the publisher (Reveal()). No item
/// can have it.
inline constexpr char kRemovedName[] = "..removed";

class KubeletLayout final : public VolumeLayout {
 public:
  KubeletLayout(Ownership ownership, WallTime created);

  Traits traits() const override { return {.takes_changes = true}; }
  std::optional<std::string> ReadLink(InodeId id) const override EXCLUDES(mutex_);
  /// True once for each thread and data directory that has lost its name: a walk that has just
  /// followed `..data` may have been on its way there.
  bool LeadsElsewhere(InodeId parent, std::string_view name, pid_t thread) override
      EXCLUDES(mutex_);
  void SetResourceVersion(std::string resource_version) override EXCLUDES(mutex_);

  /// Everything that has to happen for a version to be shown.
  struct Flip {
    InodeId version = 0;
    std::string data_dir;
    std::vector<std::string> new_links;   ///< in the root, to be made after `..data` has moved
    std::vector<std::string> gone_links;  ///< to be removed after that
    InodeId retires = 0;                  ///< the version that is shown now; 0: none
    std::string retired_dir;              ///< its data directory
  };

  /// Takes a version in, shown by nothing yet. One that was staged and not shown is given up.
  Flip Stage(VolumeVersionPtr version, std::string resource_version) EXCLUDES(mutex_);
  /// Shows the staged version without any request from the kernel: `..data` and the links change at
  /// once. Returns the names in the root that mean something else now.
  std::vector<std::string> Show(const Flip& flip) EXCLUDES(mutex_);
  /// The steps that the shown version still lacks: links that an update has not come to.
  Flip Unfinished() const EXCLUDES(mutex_);

  /// The directory that an attempt to show a version has left, which must be removed with the name
  /// `..data_tmp`. Nothing if no attempt is under way.
  std::optional<std::string> UnfinishedDirectory() const EXCLUDES(mutex_);
  /// Names in the root that have led elsewhere at some time, or have gone: the kernel may know them
  /// as they were.
  std::vector<std::string> MovedNames() const EXCLUDES(mutex_);
  /// Versions that resolve by name, but are not shown.
  std::vector<std::pair<InodeId, std::string>> RetiredVersions() const EXCLUDES(mutex_);

  /// Versions whose name is removed and of which the kernel still knows a directory.
  std::vector<InodeId> RemovedVersions() const EXCLUDES(mutex_);

  /// An inode of a retired version, by its path from the root: below its data directory while that
  /// has a name, below kRemovedName afterwards.
  struct Known {
    TreeChange removal;  ///< of a file: the change that unlinks it
    InodeId id = 0;
    std::string path;
  };
  /// The files of the version that the kernel knows and that have not been unlinked.
  std::vector<Known> KnownFiles(InodeId version) const EXCLUDES(mutex_);
  /// The aliases of its files that the kernel knows.
  std::vector<Known> KnownAliases(InodeId version) const EXCLUDES(mutex_);
  /// The directories of the version that the kernel knows, deepest first.
  std::vector<Known> KnownDirectories(InodeId version) const EXCLUDES(mutex_);
  /// From now on kRemovedName leads to the data directory of that version, which has no other name;
  /// with 0 to nothing. For the publisher, who has something left to do there.
  void Reveal(InodeId version) EXCLUDES(mutex_);

  /// LifeEvent::kOrphan, kAlias and kUnname of a version that is not shown. An expired version is
  /// freed once the kernel has forgotten it.
  void Orphan(InodeId version) EXCLUDES(mutex_);
  void ShowAlias(InodeId version) EXCLUDES(mutex_);
  void Expire(InodeId version) EXCLUDES(mutex_);

 private:
  // Of a version's inodes, base is `..data`, base + 1 + i is entry i; the aliases follow in the
  // same order.
  struct Located {
    InodeId base;
    const KnownVersion& known;
    std::uint32_t index;  // 0: `..data`; otherwise entry index + 1
    bool alias;

    bool is_link() const { return index == 0; }
    std::uint32_t entry() const { return index - 1; }
  };

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
  // kubelet_check.cc
  Status Check() override REQUIRES(mutex_);
  Status CheckRoot() const REQUIRES(mutex_);
  Status CheckVersions() const REQUIRES(mutex_);
  Status CheckLinks() const REQUIRES(mutex_);
  void Rehearse() override EXCLUDES(mutex_);

  std::optional<Located> Locate(InodeId id) const REQUIRES(mutex_);
  std::optional<InodeId> FindInRoot(std::string_view name) const REQUIRES(mutex_);
  std::optional<InodeId> FindLink(std::string_view name) const REQUIRES(mutex_);
  std::optional<InodeId> FindInDirectory(const Located& directory, std::string_view name) const
      REQUIRES(mutex_);
  std::vector<DirectoryEntry> RootNames() const REQUIRES(mutex_);
  InodeAttr RootAttr() const REQUIRES(mutex_);
  // The user who owns a link: its file's own user.
  std::optional<std::uint32_t> LinkUser(const std::string& name) const REQUIRES(mutex_);
  std::optional<Changed> ChangeRoot(Edit& edit, const TreeChange& change) REQUIRES(mutex_);
  enum class Kind { kFiles, kAliases, kDirectories };
  std::vector<Known> KnownOf(InodeId base, Kind kind) const REQUIRES(mutex_);
  std::optional<std::string> UnfinishedName() const REQUIRES(mutex_);
  void CompareLinks(const VolumeVersion& version, Flip& flip) const REQUIRES(mutex_);

  void Advance(Edit& edit, InodeId base, LifeEvent event) REQUIRES(mutex_);
  void MakeCurrent(Edit& edit, InodeId base) REQUIRES(mutex_);
  void AddLink(Edit& edit, const std::string& name) REQUIRES(mutex_);
  void RemoveLink(Edit& edit, const std::string& name) REQUIRES(mutex_);
  void DropIfUnused(Edit& edit, InodeId base) REQUIRES(mutex_);
  void DropOldest(Edit& edit) REQUIRES(mutex_);
  void DropLinkIfUnused(Edit& edit, InodeId id) REQUIRES(mutex_);

  RecordedVersions versions_ GUARDED_BY(mutex_){record_, {Record::kVersion, Record::kDropped}};
  RecordedTable<KnownVersionFormat> known_ GUARDED_BY(mutex_){record_,
                                                              KnownVersionFormat(versions_)};
  RecordedTable<RootLinkFormat> links_ GUARDED_BY(mutex_){record_};
  RecordedValue<KubeletRootFormat> root_ GUARDED_BY(mutex_);
  struct RemovedName {
    std::string name;
    std::set<pid_t> sent_elsewhere;
  };
  // Neither is recorded.
  std::deque<RemovedName> just_removed_ GUARDED_BY(mutex_);  // data directories, the newest last
  bool resumed_ GUARDED_BY(mutex_) = false;                  // another daemon has served before us
  // Asked for, and perhaps removed by the daemon before us. Apart, so that made-up names do not
  // push out the others.
  std::deque<RemovedName> unknown_ GUARDED_BY(mutex_);
  InodeId revealed_ GUARDED_BY(mutex_) = 0;
};

}  // namespace downwardfs
