// SPDX-License-Identifier: Apache-2.0
//
// The view of a volume's tree through which we change it: through the kernel, like any user, so
// that inotify tells those who watch. Each method arms the change, makes the system call and
// disarms it (VolumeLayout::Arm); the layout has decided the answer beforehand.
//
// As root this is the writable clone of the mount (mount-helper/fuse_mount.h); under a holder the
// publisher's process makes the calls. The mount of an ordinary user has no such clone: the calls
// go through the mount point, after a check that our file system is mounted there.
//
// All methods but DropView() and lost() are called on the volume's lane. A NotFound or Unavailable
// error means that the tree cannot be reached (any more): tell the kernel by notification instead.
#pragma once

#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "fs/volume/tree_caller.h"
#include "fs/volume/volume_layout.h"

namespace downwardfs {

class WritableView {
 public:
  /// `caller`: who can reach the writable view, or null. `device`: of the file system, as in
  /// mountinfo ("0:45"), to find it by path. `layout` outlives the view.
  WritableView(VolumeLayout& layout, std::string mount_point, std::string device,
               std::shared_ptr<TreeCaller> caller);

  /// The file system is no longer mounted: from now on it cannot be changed. Any thread. The view
  /// is closed once no change uses it.
  void DropView() EXCLUDES(mutex_);

  /// There is a way to make changes through the kernel, so that watchers hear of them. Any thread.
  bool reachable() EXCLUDES(mutex_);
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
    Status ChangeMode(InodeId inode, const std::string& path, unsigned mode);
    /// Sets the time of the last modification and no other: IN_MODIFY.
    Status Touch(InodeId inode, const std::string& path);
    /// stat(2): has the kernel ask for the attributes if it was told that they are stale.
    void Look(const std::string& path) const;

   private:
    friend class WritableView;
    Session(VolumeLayout& layout, std::shared_ptr<TreeCaller> caller)
        : layout_(layout), caller_(std::move(caller)) {}
    Status Make(const TreeChange& change, const TreeCall& call);

    VolumeLayout& layout_;
    std::shared_ptr<TreeCaller> caller_;
  };
  Result<Session> Open() EXCLUDES(mutex_);

 private:
  VolumeLayout& layout_;
  const std::string mount_point_;
  const std::string device_;
  Mutex mutex_;
  std::shared_ptr<TreeCaller> caller_ GUARDED_BY(mutex_);
  bool dropped_ GUARDED_BY(mutex_) = false;
};

}  // namespace downwardfs
