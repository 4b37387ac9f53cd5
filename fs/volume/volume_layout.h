// SPDX-License-Identifier: Apache-2.0
//
// A volume as a file system, in one of its layouts (kubelet_layout.h, live_layout.h). Here is what
// both have in common: the lock, the change that is armed, the record of it all for the next
// daemon, and that nothing is rendered under the lock. A layout says which inodes and names there
// are.
//
// All methods may be called by any thread. Lock order: the layout's mutex before that of the lane
// pool (CopyLater()) and no other; in particular no content is rendered under it, since requests
// wait for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "fs/fuse/file_system.h"
#include "fs/fuse/request_in_work.h"
#include "fs/volume/inode_attr.h"
#include "fs/volume/recorded_state.h"
#include "fs/volume/volume_version.h"

namespace downwardfs {

/// A file of a version, pinned.
struct FileRef {
  VolumeVersionPtr version;
  const TreeEntry* entry = nullptr;
  FileContents::BytesPtr contents;
  std::string resource_version;

  const std::string& content() const { return (*contents)[entry->file]; }
};

struct VolumeStats {
  std::uint64_t versions = 0;       ///< that the kernel may ask for, the current one included
  std::uint64_t lookups = 0;        ///< sum of lookup counts, the root's left out
  std::uint64_t flips = 0;          ///< versions installed after the first
  std::uint64_t files = 0;          ///< of the current version
  std::uint64_t content_bytes = 0;  ///< of the current version, held in memory: 0 until it is read
  std::uint64_t open_files = 0;     ///< that pin a content (live layout)
  std::string data_dir;             ///< of the current version; empty in the live layout
  std::string resource_version;     ///< of the current version
  // Of the handover memory; all 0 without one.
  std::uint64_t log_bytes = 0;         ///< in use
  std::uint64_t log_limit = 0;         ///< that there are
  bool log_full = false;               ///< no daemon after this one could go on with the mount
  std::uint64_t versions_dropped = 0;  ///< that somebody held, to make room
};

/// So many bytes of versions that are not shown may one volume hold for those who still use them.
/// The oldest are dropped first: whoever has one open gets ESTALE for what the kernel has not
/// cached.
inline constexpr std::uint64_t kMostHeldBytes = std::uint64_t{16} << 20;
/// Open files of one volume in the live layout; the oldest are dropped in the same way.
inline constexpr std::size_t kMostOpenFiles = 65536;

class VolumeLayout : public FileSystem, public RequestMemory {
 public:
  using WallTime = VolumeVersion::WallTime;

  std::optional<Entry> Lookup(InodeId parent, std::string_view name) final EXCLUDES(mutex_);
  void Forget(std::span<const Forgotten> inodes) final EXCLUDES(mutex_);
  std::optional<Entry> Attr(InodeId id) const final EXCLUDES(mutex_);
  FileBytes Content(InodeId id, std::uint64_t handle, std::uint64_t offset) override
      EXCLUDES(mutex_);
  Listing List(InodeId id, std::uint64_t handle, bool from_start) final EXCLUDES(mutex_);
  std::optional<Origin> OriginOf(InodeId id) const final EXCLUDES(mutex_);
  Totals GetTotals() const final EXCLUDES(mutex_);

  /// Makes a change that is armed, as it arrives through the kernel. Nothing (EROFS) for any other:
  /// nobody else writes here. A change that arrives twice has the outcome of the first.
  std::optional<Entry> Apply(const TreeChange& change) final EXCLUDES(mutex_);
  /// From now on Apply() takes this change, and no other. The lane's, one at a time.
  void Arm(TreeChange change) EXCLUDES(mutex_);
  /// The change that is armed now; kind kNone if nothing is armed.
  TreeChange Armed() const EXCLUDES(mutex_);

  /// From now on every change of the state is recorded, so that another process can go on with it.
  /// If the log has records already they are taken over first: what the kernel knows from the
  /// daemon before us. Nothing but this may have been called before. kFailedPrecondition if the log
  /// is damaged.
  Status UseLog(std::unique_ptr<HandoverLog> log) EXCLUDES(mutex_);
  /// The same where a daemon before us has served: a log without a version in it is damaged too.
  /// Asks once what the kernel and the lane will ask, before anybody is served.
  Status ResumeFrom(std::unique_ptr<HandoverLog> log) EXCLUDES(mutex_);
  /// The state is copied by CopyRecords() from now on, which `copy_later` is to have called soon,
  /// on a thread that serves nobody. It is called under the layout's lock and must not block.
  void CopyLater(std::function<void()> copy_later) EXCLUDES(mutex_);
  /// Makes the copy. The lock is held for the small records alone.
  void CopyRecords() EXCLUDES(mutex_);
  bool WasDone(std::uint64_t unique) const final EXCLUDES(mutex_);
  void TakeBack(std::uint64_t unique) final EXCLUDES(mutex_);

  /// The present content of a file.
  std::optional<FileRef> File(InodeId id) const EXCLUDES(mutex_);
  /// The version that is shown; null: none yet.
  VolumeVersionPtr CurrentVersion() const EXCLUDES(mutex_);
  VolumeStats GetStats() const EXCLUDES(mutex_);

  /// Changes the owner of every inode. Returns those whose attributes the kernel may have.
  std::vector<InodeId> SetOwnership(const Ownership& ownership) EXCLUDES(mutex_);
  /// Records a newer resourceVersion for which the files are the same.
  virtual void SetResourceVersion(std::string resource_version) = 0;

 protected:
  explicit VolumeLayout(Ownership ownership) : ownership_(ownership) {}

  // The part that differs between layouts; the lock is held.
  virtual std::optional<InodeId> Find(InodeId parent, std::string_view name) const
      REQUIRES(mutex_) = 0;
  virtual void AddLookup(Edit& edit, InodeId id) REQUIRES(mutex_) = 0;
  virtual void DropLookups(Edit& edit, const Forgotten& inode) REQUIRES(mutex_) = 0;
  virtual std::optional<UnsizedAttr> Describe(InodeId id) const REQUIRES(mutex_) = 0;
  /// Without its contents.
  virtual std::optional<FileRef> FindFile(InodeId id) const REQUIRES(mutex_) = 0;
  virtual std::optional<std::vector<DirectoryEntry>> Names(InodeId id) const REQUIRES(mutex_) = 0;
  struct Changed {
    InodeId id = 0;
    bool made = false;  ///< by the change, so its lookup counts
  };
  /// Makes the armed change.
  virtual std::optional<Changed> Change(Edit& edit, const TreeChange& change) REQUIRES(mutex_) = 0;
  virtual std::vector<InodeId> KnownInodes() const REQUIRES(mutex_) = 0;
  virtual VolumeVersionPtr Current() const REQUIRES(mutex_) = 0;
  /// All but `files` and `content_bytes`.
  virtual VolumeStats Figures() const REQUIRES(mutex_) = 0;
  /// An open of the daemon before us was not answered and comes again.
  virtual void TakeBackOpen(std::uint64_t /*unique*/, std::uint64_t /*handle*/) REQUIRES(mutex_) {}
  /// Checks that the records that were read back fit together.
  virtual Status Check() REQUIRES(mutex_) = 0;
  /// Asks for all that will be asked for: what a check has missed shows now.
  virtual void Rehearse() EXCLUDES(mutex_) = 0;

  /// Waits for the lock as any other reader does.
  bool recorded() const EXCLUDES(mutex_);

  mutable Mutex mutex_;
  RecordedState record_ GUARDED_BY(mutex_);
  std::uint64_t versions_dropped_ GUARDED_BY(mutex_) = 0;
  Ownership ownership_ GUARDED_BY(mutex_);
};

}  // namespace downwardfs
