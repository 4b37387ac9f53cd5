// SPDX-License-Identifier: Apache-2.0
//
// The cluster as a file system of directories, files and links (tree_path.h has its shape). Nothing
// of it is made in advance: names come from an index of the objects' metadata, contents are
// rendered when somebody looks, and an inode exists while the kernel knows it.
//
// As in a volume the content behind an inode never changes (docs/immutable-versions.md): a file's
// number is made of its path and its content. When an object changes, the names that the kernel
// knows and that no longer mean the same are taken back, nothing else; what the next lookup finds
// is another inode. Directories stay the same inode as long as their object lives. A file whose
// content varies with time (..status, the ages in pods.txt) is looked up anew at every use.
//
// Made and owned by the mount; Follow() is called by the source, one call at a time; the rest by
// any thread. No lock is held while a content is rendered or the source is asked, nor while the
// notice function runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/object_source.h"
#include "fs/cluster/cluster_index.h"
#include "fs/cluster/cluster_layout.h"
#include "fs/cluster/directory_handles.h"
#include "fs/cluster/inode_table.h"
#include "fs/cluster/table_cache.h"
#include "fs/cluster/view_cache.h"
#include "fs/fuse/file_system.h"

namespace downwardfs {

class ClusterTree final : public FileSystem {
 public:
  struct Options {
    std::uint32_t uid = 0;  ///< the owner of all of it
    std::uint32_t gid = 0;
    std::vector<std::string> namespaces;  ///< that are shown even while they hold no pod
    /// The content of ..status; called on serving threads, must not block.
    std::function<std::string()> status;
    const Clock* clock = &Clock::Real();
    /// So many of the objects' files and of the links the kernel may know (some 300 bytes each
    /// here, a thousand there); the names of the oldest are taken back.
    std::size_t known_leaves = 250'000;
  };
  /// Takes back a name that the kernel knows. Called by Follow() and Lookup(), must not block.
  using Notice = std::function<void(InodeId directory, const std::string& name)>;

  /// `objects` outlives it.
  ClusterTree(const ObjectSource& objects, Options options);

  /// From now on `notice` tells the kernel; null: nobody does.
  void SetNotice(Notice notice) EXCLUDES(mutex_);
  /// An object is new (`before` is null), another, or gone (`after` is null). Pod, Node, Namespace.
  void Follow(const ObjectPtr& before, const ObjectPtr& after) EXCLUDES(mutex_);

  Traits traits() const override { return {.opens_directories = true}; }
  std::optional<Entry> Lookup(InodeId parent, std::string_view name) override EXCLUDES(mutex_);
  void Forget(std::span<const Forgotten> inodes) override EXCLUDES(mutex_);
  std::optional<Entry> Attr(InodeId id) const override EXCLUDES(mutex_);
  std::optional<std::string> ReadLink(InodeId id) const override EXCLUDES(mutex_);
  FileBytes Content(InodeId id, std::uint64_t handle, std::uint64_t offset) override
      EXCLUDES(mutex_);
  std::optional<Origin> OriginOf(InodeId id) const override EXCLUDES(mutex_);
  std::optional<std::uint64_t> OpenDirectory(InodeId id) override { return directories_.Open(id); }
  void CloseDirectory(std::uint64_t handle) override { directories_.Close(handle); }
  Listing List(InodeId id, std::uint64_t handle, bool from_start) override;
  Totals GetTotals() const override EXCLUDES(mutex_);

  /// The names that a directory has now, without "." and ".."; nothing if it is no directory, or is
  /// gone.
  std::optional<std::vector<DirectoryEntry>> Names(InodeId id) const EXCLUDES(mutex_);

  struct Stats {
    std::size_t pods = 0;
    std::size_t nodes = 0;
    std::size_t namespaces = 0;
    std::size_t known_inodes = 0;  ///< to the kernel
    std::uint64_t names_taken_back = 0;
    std::size_t rendered_objects = 0;  ///< held in memory
  };
  Stats GetStats() const EXCLUDES(mutex_);

 private:
  // A pod or a node as the index has it.
  struct ObjectPlace {
    ObjectKey key;
    std::uint64_t uid = 0;
    std::uint64_t owner = 0;  // KnownInode::owner
    std::uint32_t generation = 0;
    std::int64_t created = 0;
    std::int64_t changed = 0;
  };
  std::optional<ObjectPlace> FindObject(const TreePath& path) const REQUIRES(mutex_);
  ObjectPtr Load(const ObjectPlace& place) const EXCLUDES(mutex_);
  bool IsGone(const KnownInode& directory) const REQUIRES(mutex_);

  std::optional<Entry> LookupBelowObject(InodeId parent, const KnownInode& directory,
                                         const std::string& text, const TreePath& path)
      EXCLUDES(mutex_);
  std::optional<KnownInode> Render(const ObjectPlace& place, const std::string& text,
                                   const TreePath& path) const EXCLUDES(mutex_);
  std::optional<Entry> LookupBytes(InodeId parent, const std::string& text,
                                   std::shared_ptr<const std::string> bytes) EXCLUDES(mutex_);
  std::shared_ptr<const std::string> StatusText(const std::string& path) const;
  std::shared_ptr<const std::string> PodTable(const std::string& path, std::string_view ns) const
      EXCLUDES(mutex_);
  std::optional<Entry> Register(KnownInode inode) REQUIRES(mutex_);
  Entry EntryOf(InodeId id, const KnownInode& inode) const REQUIRES(mutex_);
  InodeAttr AttrOf(InodeId id, std::uint32_t type, std::int64_t time) const;

  // The inodes that the kernel knows among `paths`, with their ids.
  struct Known {
    std::string path;
    InodeId id = 0;
  };
  std::vector<Known> KnownAmong(std::vector<std::string> paths) const REQUIRES(mutex_);
  void ApplyPod(const ObjectPtr& before, const ObjectPtr& after, const ObjectSummary& summary,
                std::int64_t changed) REQUIRES(mutex_);
  void ApplyNode(const ObjectPtr& after, const std::string& name, const ObjectSummary& summary,
                 std::int64_t changed) REQUIRES(mutex_);
  struct TakenBack {
    InodeId directory = 0;
    std::string name;
  };
  void TakeBackChanged(const std::vector<Known>& known, std::vector<TakenBack>& names)
      REQUIRES(mutex_);
  void TakeBackFiles(std::uint64_t owner, std::vector<TakenBack>& names) REQUIRES(mutex_);
  void TakeBackOldest() EXCLUDES(mutex_);

  const ObjectSource& objects_;
  const Options options_;
  const std::int64_t mounted_;
  mutable ViewCache views_;
  mutable TableCache tables_;
  DirectoryHandles directories_{*this};
  mutable Mutex mutex_;
  ClusterIndex index_ GUARDED_BY(mutex_);
  InodeTable table_ GUARDED_BY(mutex_);
  std::shared_ptr<const Notice> notice_ GUARDED_BY(mutex_);
  std::uint64_t taken_back_ GUARDED_BY(mutex_) = 0;
};

}  // namespace downwardfs
