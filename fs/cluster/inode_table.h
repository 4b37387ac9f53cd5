// SPDX-License-Identifier: Apache-2.0
//
// The kernel's knowledge of the cluster tree: an entry per inode that it has looked up and not
// forgotten. All the rest of the tree exists only as it is computed, so a cluster of any size costs
// as much as is looked at. An entry of a file pins the state of the object that its content is
// rendered from (packed, and shared with the store while it is the current one).
//
// Owned by ClusterTree, which guards it with its mutex.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/object_source.h"
#include "fs/fuse/inode.h"

namespace downwardfs {

struct KnownInode {
  std::string path;
  InodeId parent = 0;             ///< through which it was found
  std::uint32_t type = 0;         ///< S_IFDIR, S_IFREG or S_IFLNK
  std::uint32_t directories = 0;  ///< of a directory below an object
  std::uint64_t identity = 0;     ///< InodeIdOf()'s
  std::uint64_t owner = 0;        ///< of a file: the hash of the object whose change may change it
  std::uint64_t size = 0;         ///< of a file
  std::int64_t time = 0;          ///< of a file or a link; of a directory below an object
  ObjectPtr object;               ///< of an object's file
  std::shared_ptr<const std::string> bytes;  ///< of any other file
  std::string target;                        ///< of a link

  std::string_view name() const {
    return std::string_view(path).substr(path.rfind('/') + 1);  // npos + 1 is 0
  }
};

class InodeTable {
 public:
  /// Null if the kernel does not know it.
  const KnownInode* Find(InodeId id) const;
  /// Counts a lookup of the inode that has `inode`'s path and identity, and gives its id. A known
  /// inode stays as it is. 0 where its ids are all taken by others, which takes several
  /// hashes of 64 bits to be the same.
  InodeId Add(KnownInode inode);
  void Forget(InodeId id, std::uint64_t count);

  /// The id of that path and identity; 0 where the kernel does not know it.
  InodeId IdOf(std::string_view path, std::uint64_t identity) const;
  /// Files of that object.
  std::vector<InodeId> FilesOf(std::uint64_t owner) const;
  /// Files of objects and links, those that were found first, where there are more than `limit`; a
  /// batch of them, so that most lookups find nothing to do. They stay the oldest until they are
  /// disowned. Directories are not among them: somebody may stand in one.
  std::vector<InodeId> Oldest(std::size_t limit) const;
  /// Its name was taken back: it no longer counts as a file of its object, nor among the oldest.
  void Disown(InodeId id);

  std::size_t size() const { return inodes_.size(); }
  /// Files of objects and links, all of them.
  std::size_t leaves() const { return by_age_.size(); }

 private:
  struct Counted {
    KnownInode inode;
    std::uint64_t lookups = 0;
    bool aged = false;  // it is in by_age_, there:
    std::list<InodeId>::iterator age;
  };
  // So many ids are tried for an inode, one after the other.
  static constexpr int kTries = 4;

  void Own(std::uint64_t owner, InodeId id, Counted& counted);
  void Disown(InodeId id, Counted& counted);

  std::unordered_map<InodeId, Counted> inodes_;
  std::unordered_map<std::uint64_t, std::vector<InodeId>> files_;
  // Files of objects and links, each once, the one that was found first in front: a file that is
  // found again under the same id, as an unchanged one is after each change of its object, must not
  // leave a place behind.
  std::list<InodeId> by_age_;
};

}  // namespace downwardfs
