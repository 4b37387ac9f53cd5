// SPDX-License-Identifier: Apache-2.0
//
// inotify on everything that decides what a path leads to: each symlink on the way (in the middle
// too: a ConfigMap's `..data`), the directory that holds the file, and the file's inode (a bind
// mount of a single file has no directory that would tell). A path that does not exist is watched
// from the deepest directory that does. Directories that are only passed through are watched for
// being moved or removed, so that a busy /tmp on the way wakes nobody.
//
// Not seen: changes that another machine makes on a network file system, and a file system that is
// mounted over a directory on the way.
// Owned by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"

struct inotify_event;

namespace downwardfs {

/// The changes of a path since it was last asked, summed up.
struct PathChanges {
  enum class Last {
    kNothing,
    kTouched,   ///< attributes only (a permission, the link count)
    kWritten,   ///< created or written to; it may be half-written
    kComplete,  ///< closed by a writer, moved here, removed, a symlink swapped
  };
  Last last = Last::kNothing;
  bool written = false;  ///< a writer wrote into the file, whatever came last
};

/// See the head of this file.
class PathWatcher {
 public:
  /// Watches `path`, which is absolute. kResourceExhausted where the user has no inotify instances
  /// or watches left.
  static Result<PathWatcher> Open(std::string path);

  /// Readable when Drain() has something to say.
  int fd() const { return inotify_.get(); }

  /// Takes in what has happened, without waiting, and follows the path anew where names changed.
  PathChanges Drain();

  /// True while a part of the path is not watched although it should be: there were no watches
  /// left.
  bool lost() const { return lost_; }
  /// True if this process may not walk the whole path, so that no event tells of the file.
  bool blind() const { return blind_; }
  /// Tries again then.
  void FollowIfLost() {
    if (lost_) lost_ = !Follow();
  }

 private:
  struct Watch {
    std::string directory;           // empty: the file's inode
    std::vector<std::string> names;  // of interest in it
  };
  using Watches = std::map<int, Watch>;

  PathWatcher(std::string path, OwnedFd inotify)
      : path_(std::move(path)), inotify_(std::move(inotify)) {}

  Status Follow();
  Result<bool> TryFollow(Watches& watches);
  Result<bool> Add(Watches& watches, const std::string& path, std::uint32_t mask,
                   const std::string& name);
  void TakeEvent(const inotify_event& event, PathChanges& changes, bool& follow);

  std::string path_;
  OwnedFd inotify_;
  Watches watches_;
  bool lost_ = false;
  bool blind_ = false;
};

}  // namespace downwardfs
