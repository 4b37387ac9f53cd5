// SPDX-License-Identifier: Apache-2.0
//
// The volume's own tree, as the publisher changes it: through the kernel, like any user, so that
// inotify tells those who watch. Each method arms the change, makes the system call and disarms it
// (volume_nodes.h); the answer is decided by the node table beforehand.
//
// As root the calls go through the writable view of mount-helper/fuse_mount.h, under a holder in
// its publisher's process. As an ordinary user, whose mount has no such view, they go through the
// mount point, after a look that our file system is what is mounted there.
//
// All methods but DropView() and lost() are called on the volume's lane. A NotFound or Unavailable
// error means that the tree cannot be reached (any more): tell the kernel by notification instead.
#pragma once

#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "fs/fuse/tree_caller.h"
#include "fs/fuse/volume_nodes.h"

namespace downwardfs {

class OwnTree {
 public:
  /// `caller`: who can reach the writable view, or null. `device`: of the file system, as in
  /// mountinfo ("0:45"), to find it by path. `nodes` outlives the tree.
  OwnTree(VolumeNodes& nodes, std::string mount_point, std::string device,
          std::shared_ptr<TreeCaller> caller);

  /// The file system is no longer mounted: from now on it cannot be changed. Any thread. The view
  /// is closed once no change uses it.
  void DropView() EXCLUDES(mutex_);

  /// TreeCaller::lost(). Any thread.
  bool lost() EXCLUDES(mutex_);

  /// Holds the tree open for several changes. Its methods take paths from the volume's root.
  class Session {
   public:
    Status MakeDirectory(const TreeChange& change, const std::string& path);
    Status MakeFile(const TreeChange& change, const std::string& path);
    Status MakeLink(const TreeChange& change, const std::string& target, const std::string& path);
    Status Rename(const TreeChange& change, const std::string& from, const std::string& to);
    Status Unlink(const TreeChange& change, const std::string& path);
    Status RemoveDirectory(const TreeChange& change, const std::string& path);
    /// chmod(2) to the mode that it has: IN_ATTRIB.
    Status ChangeMode(NodeId node, const std::string& path, unsigned mode);
    /// Sets the time of the last modification and no other: IN_MODIFY.
    Status Touch(NodeId node, const std::string& path);
    /// stat(2): has the kernel ask for the attributes if it was told that they are stale.
    void Look(const std::string& path) const;

   private:
    friend class OwnTree;
    Session(VolumeNodes& nodes, std::shared_ptr<TreeCaller> caller)
        : nodes_(nodes), caller_(std::move(caller)) {}
    Status Make(const TreeChange& change, const TreeCall& call);

    VolumeNodes& nodes_;
    std::shared_ptr<TreeCaller> caller_;
  };
  Result<Session> Open() EXCLUDES(mutex_);

 private:
  VolumeNodes& nodes_;
  const std::string mount_point_;
  const std::string device_;
  Mutex mutex_;
  std::shared_ptr<TreeCaller> caller_ GUARDED_BY(mutex_);
  bool dropped_ GUARDED_BY(mutex_) = false;
};

}  // namespace downwardfs
