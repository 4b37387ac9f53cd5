// SPDX-License-Identifier: Apache-2.0
//
// The line between the FUSE protocol (operations.cc, the only table of operations) and what is
// shown: a pod's volume (fs/volume) or the tree of a cluster (fs/cluster). On this side there are
// requests, replies and errno; on the other side inodes and names, and nothing of libfuse.
//
// The lookup count. The kernel refers to inodes by number, and the file system must know a number
// for as long as the kernel does. Each inode has a count, in the kernel and here, and both must be
// the same:
//   - Lookup(), and an Apply() that makes an inode, add one if they return an entry. The entry goes
//     to the kernel with the reply.
//   - If the kernel refuses the reply (the caller was interrupted, ENOENT), it never saw the entry:
//     the protocol takes that one lookup back by Forget().
//   - Forget() subtracts. An inode whose count is zero, and to which no name leads, is gone.
//   - The root's count is not kept; the root is never gone. Listings count nothing (no
//   readdirplus).
//   - A number is not used for another inode while its count is above zero. (A volume never uses
//   one
//     twice.)
//   - Unmounting drops all counts at once, without a Forget().
// One count too few is a use after free, for the kernel asks about an inode that is gone (ESTALE);
// one too many is a leak. A daemon that dies leaves the counts to the next one
// (fs/volume/recorded_state.h); a request that comes again there is first taken back
// (RequestMemory), so that it counts once.
//
// All methods may be called by any thread at the same time. They answer at once: they neither block
// nor touch a mount of ours. Each result is a value or keeps its content alive, so that the
// protocol replies with no lock held.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fs/fuse/inode.h"
#include "fs/fuse/tree_change.h"

namespace downwardfs {

/// No open's handle: OpenFile() never returns it.
inline constexpr std::uint64_t kNoOpen = 0;

class FileSystem {
 public:
  /// How much the file system leaves to the kernel's caches. Fixed before it is mounted.
  struct Traits {
    /// Each open pins a content, so the kernel must ask at each read and keep no page. Without it
    /// the content behind an inode never changes: open is answered ENOSYS once
    /// (FUSE_NO_OPEN_SUPPORT).
    bool opens_files = false;
    /// Each opendir pins a listing. Without it the kernel may cache listings, and opendir is
    /// answered ENOSYS once (FUSE_NO_OPENDIR_SUPPORT).
    bool opens_directories = false;
    /// Apply() may succeed. Without it changes are refused without a look.
    bool takes_changes = false;
  };

  virtual ~FileSystem() = default;
  virtual Traits traits() const = 0;

  /// LOOKUP: finds `name` and counts one lookup of what is found. Nothing: ENOENT, which the kernel
  /// does not cache.
  virtual std::optional<Entry> Lookup(InodeId parent, std::string_view name) = 0;
  /// Asked after a LOOKUP that has found nothing: answer ESTALE instead of ENOENT? A link may have
  /// led to the name until a moment ago; at ESTALE the kernel walks the whole path again, once, and
  /// finds where the link leads now. A second ESTALE would go to the caller, so it is once per
  /// name and `thread` (fuse_in_header.pid; 0: of a foreign pid namespace).
  virtual bool LeadsElsewhere(InodeId /*parent*/, std::string_view /*name*/, pid_t /*thread*/) {
    return false;
  }
  /// FORGET and BATCH_FORGET, all of it or (if the daemon dies meanwhile) nothing. Unknown inodes
  /// are passed over, counts stop at zero.
  virtual void Forget(std::span<const Forgotten> inodes) = 0;
  void ForgetOne(InodeId id, std::uint64_t count) {
    const Forgotten inode = {id, count};
    Forget({&inode, 1});
  }

  /// GETATTR. Nothing: ESTALE.
  virtual std::optional<Entry> Attr(InodeId id) const = 0;
  /// READLINK. Nothing: EINVAL.
  virtual std::optional<std::string> ReadLink(InodeId id) const = 0;
  /// READ from `offset`: the content that the open `handle` has pinned (opens_files), which a read
  /// from the start pins anew; with kNoOpen, or without opens_files, what the inode shows now.
  /// Null: ESTALE.
  virtual FileBytes Content(InodeId id, std::uint64_t handle, std::uint64_t offset) = 0;

  /// OPEN and RELEASE, with opens_files only. Nothing: ESTALE.
  virtual std::optional<std::uint64_t> OpenFile(InodeId) { return std::nullopt; }
  virtual void CloseFile(std::uint64_t) {}

  /// READDIR: the names, with "." and "..". With opens_directories those that `handle` has pinned;
  /// `from_start` pins them anew (rewinddir(3)). Null: ENOTDIR, or EBADF for a handle.
  virtual Listing List(InodeId id, std::uint64_t handle, bool from_start) = 0;
  /// OPENDIR and RELEASEDIR, with opens_directories only. Nothing: ENOENT.
  virtual std::optional<std::uint64_t> OpenDirectory(InodeId) { return std::nullopt; }
  virtual void CloseDirectory(std::uint64_t) {}

  /// A change as it arrives through the kernel (MKDIR, RENAME, ...): makes it and returns the inode
  /// that it is about, whose lookup is counted if the change makes it. Nothing: EROFS.
  virtual std::optional<Entry> Apply(const TreeChange&) { return std::nullopt; }

  /// The origin of a file's content, for the extended attributes. Nothing for other inodes.
  struct Origin {
    std::string source;            ///< the fieldPath or resource that the file shows
    std::string resource_version;  ///< of the state that it shows
  };
  virtual std::optional<Origin> OriginOf(InodeId id) const = 0;

  /// STATFS.
  struct Totals {
    std::uint64_t files = 0;
    std::uint64_t content_bytes = 0;
  };
  virtual Totals GetTotals() const = 0;
};

}  // namespace downwardfs
