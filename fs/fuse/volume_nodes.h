// SPDX-License-Identifier: Apache-2.0
//
// What the kernel may ask of a volume, whatever its layout is. The tables behind this interface
// know nothing of libfuse. All methods may be called by any thread; what they return is a value or
// pins its version, so no lock is held while the caller replies to the kernel.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "fs/fuse/journal.h"
#include "fs/fuse/tree_change.h"
#include "fs/volume/volume_version.h"

namespace downwardfs {

/// Who owns the inodes. With an fsGroup, modes and group are those that the kubelet's
/// SetVolumeOwnership gives a read-only volume: files |0440, directories |02550, the group.
struct Ownership {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::optional<std::uint32_t> fs_group;
  /// Which bits of a file's mode are shown. Where the mount itself is not read-only, others than
  /// the owner must not get a writable mapping: what it changes is in everybody's page cache.
  std::uint32_t file_modes = 07777;
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

/// What the kernel drops of a node's lookups.
struct Forgotten {
  NodeId id = 0;
  std::uint64_t count = 0;
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
  FileContents::BytesPtr contents;
  std::string resource_version;

  const std::string& content() const { return (*contents)[entry->file]; }
};

struct VolumeStats {
  std::uint64_t versions = 0;       ///< live ones, the current one included
  std::uint64_t lookups = 0;        ///< sum of lookup counts, the root's left out
  std::uint64_t flips = 0;          ///< versions installed after the first
  std::uint64_t files = 0;          ///< of the current version
  std::uint64_t content_bytes = 0;  ///< of the current version, held in memory: 0 until it is read
  std::uint64_t open_files = 0;     ///< that pin a content (live layout)
  std::string data_dir;             ///< of the current version; empty in the live layout
  std::string resource_version;     ///< of the current version
};

class VolumeNodes {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  virtual ~VolumeNodes() = default;

  /// LOOKUP: finds `name` and counts one lookup of the node that is found.
  virtual std::optional<NodeAttr> Lookup(NodeId parent, std::string_view name) = 0;
  /// FORGET: the kernel drops `count` lookups of the node.
  virtual void Forget(NodeId id, std::uint64_t count) = 0;
  /// BATCH_FORGET: all of it or nothing, where the state is recorded.
  virtual void ForgetAll(const std::vector<Forgotten>& nodes) {
    for (const Forgotten& node : nodes) Forget(node.id, node.count);
  }
  virtual std::optional<NodeAttr> Attr(NodeId id) const = 0;
  virtual std::optional<std::string> ReadLink(NodeId id) const = 0;
  /// The present content of a file.
  virtual std::optional<FileRef> File(NodeId id) const = 0;
  /// The listing of a directory with "." and "..".
  virtual std::optional<std::vector<DirectoryEntry>> List(NodeId id) const = 0;

  /// Whether the kernel has to ask at every open: false where an inode's content never changes.
  virtual bool opens_files() const { return false; }
  /// OPEN: pins the present content under a number that CloseFile() takes back.
  virtual std::optional<std::uint64_t> OpenFile(NodeId) { return std::nullopt; }
  virtual std::optional<FileRef> Opened(std::uint64_t) const { return std::nullopt; }
  virtual void CloseFile(std::uint64_t) {}

  /// Makes a change that the publisher has armed, as it arrives through the kernel, and gives the
  /// node that it is about. Nothing (EROFS) for any other: nobody else writes here. A change that
  /// arrives twice has the outcome of the first.
  virtual std::optional<NodeAttr> Apply(const TreeChange& change) = 0;

  /// All inodes are somebody else's from now on. Returns those whose attributes the kernel may
  /// have.
  virtual std::vector<NodeId> SetOwnership(const Ownership& ownership) = 0;

  /// The shown version is right for a newer resourceVersion too.
  virtual void SetResourceVersion(std::string resource_version) = 0;
  virtual VolumeStats GetStats() const = 0;

  /// From now on every change of the state is recorded, so that another process can go on with it.
  /// Where the journal has records already they are taken over first: what the kernel knows from
  /// the daemon before us. Nothing but this may have been called before.
  virtual Status UseJournal(std::unique_ptr<Journal> journal) = 0;
  /// Whether the daemon before us has dealt with this request, except perhaps for its answer.
  virtual bool WasDone(std::uint64_t unique) const = 0;
  /// The request was not answered and comes again: takes back what was counted for it.
  virtual void TakeBack(std::uint64_t unique) = 0;
  /// The version that is shown; null: none yet.
  virtual VolumeVersionPtr CurrentVersion() const = 0;

  /// From now on Apply() takes this change, and no other. The publisher's, one at a time.
  virtual void Arm(TreeChange change) EXCLUDES(armed_mutex_) {
    MutexLock lock(armed_mutex_);
    armed_ = std::move(change);
  }

  /// The change that is armed now; of kind kNone where none is.
  TreeChange Armed() const EXCLUDES(armed_mutex_) {
    MutexLock lock(armed_mutex_);
    return armed_;
  }

 protected:
  bool IsArmed(const TreeChange& change) const EXCLUDES(armed_mutex_) {
    MutexLock lock(armed_mutex_);
    return change.kind != TreeChange::Kind::kNone && armed_ == change;
  }

 private:
  mutable Mutex armed_mutex_;
  TreeChange armed_ GUARDED_BY(armed_mutex_);
};

}  // namespace downwardfs
