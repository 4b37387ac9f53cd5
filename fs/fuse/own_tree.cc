// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/own_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace downwardfs {
namespace {

using Kind = TreeChange::Kind;

// "MAJOR:MINOR" of the file system, without asking it anything.
std::string DeviceOf(int fd) {
  struct statx st = {};
  if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) != 0) return "";
  return std::to_string(st.stx_dev_major) + ":" + std::to_string(st.stx_dev_minor);
}

}  // namespace

OwnTree::OwnTree(VolumeNodes& nodes, std::string mount_point, std::string device, OwnedFd view)
    : nodes_(nodes), mount_point_(std::move(mount_point)), device_(std::move(device)) {
  if (view) view_ = std::make_shared<const OwnedFd>(std::move(view));
}

void OwnTree::DropView() {
  std::shared_ptr<const OwnedFd> closed_without_lock;
  MutexLock lock(mutex_);
  closed_without_lock.swap(view_);
  dropped_ = true;
}

Result<OwnTree::Session> OwnTree::Open() {
  {
    MutexLock lock(mutex_);
    if (view_) return Session(nodes_, view_);
    if (dropped_ || device_.empty()) return Fail(ErrorCode::kNotFound, "the volume is not mounted");
  }
  // O_PATH raises no event and needs no request. It makes the mount busy while it is held, so it is
  // held for this batch of changes only.
  OwnedFd root(open(mount_point_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Fail(ErrnoError(errno, mount_point_));
  if (DeviceOf(root.get()) != device_) {
    return Fail(ErrorCode::kNotFound, mount_point_ + ": another file system is mounted there");
  }
  return Session(nodes_, std::make_shared<const OwnedFd>(std::move(root)));
}

template <class Call>
Status OwnTree::Session::Make(const TreeChange& change, const std::string& what, const Call& call) {
  nodes_.Arm(change);
  const int result = call(root_->get());
  const int why = errno;
  nodes_.Arm({});
  if (result != 0) return Fail(ErrnoError(why, what));
  return {};
}

Status OwnTree::Session::MakeDirectory(const TreeChange& change, const std::string& path) {
  return Make(change, "mkdir " + path, [&](int root) { return mkdirat(root, path.c_str(), 0755); });
}

Status OwnTree::Session::MakeFile(const TreeChange& change, const std::string& path) {
  return Make(change, "mknod " + path,
              [&](int root) { return mknodat(root, path.c_str(), S_IFREG | 0644, 0); });
}

Status OwnTree::Session::MakeLink(const TreeChange& change, const std::string& target,
                                  const std::string& path) {
  return Make(change, "symlink " + path,
              [&](int root) { return symlinkat(target.c_str(), root, path.c_str()); });
}

Status OwnTree::Session::Rename(const TreeChange& change, const std::string& from,
                                const std::string& to) {
  return Make(change, "rename " + from,
              [&](int root) { return renameat(root, from.c_str(), root, to.c_str()); });
}

Status OwnTree::Session::Unlink(const TreeChange& change, const std::string& path) {
  return Make(change, "unlink " + path, [&](int root) { return unlinkat(root, path.c_str(), 0); });
}

Status OwnTree::Session::RemoveDirectory(const TreeChange& change, const std::string& path) {
  return Make(change, "rmdir " + path,
              [&](int root) { return unlinkat(root, path.c_str(), AT_REMOVEDIR); });
}

Status OwnTree::Session::ChangeMode(NodeId node, const std::string& path, unsigned mode) {
  return Make({Kind::kSetAttributes, node, "", ""}, "chmod " + path,
              [&](int root) { return fchmodat(root, path.c_str(), mode, 0); });
}

Status OwnTree::Session::Touch(NodeId node, const std::string& path) {
  // With the time of access among them it would be IN_ATTRIB.
  const timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
  return Make({Kind::kSetAttributes, node, "", ""}, "utimensat " + path,
              [&](int root) { return utimensat(root, path.c_str(), times, AT_SYMLINK_NOFOLLOW); });
}

void OwnTree::Session::Look(const std::string& path) const {
  struct stat st = {};
  // Only the request that it causes is wanted.
  if (fstatat(root_->get(), path.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return;
}

}  // namespace downwardfs
