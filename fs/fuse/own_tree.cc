// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/own_tree.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "mount-helper/fuse_mount.h"

namespace downwardfs {
namespace {

using ChangeKind = TreeChange::Kind;
using Call = TreeCall::Kind;

}  // namespace

OwnTree::OwnTree(VolumeNodes& nodes, std::string mount_point, std::string device,
                 std::shared_ptr<TreeCaller> caller)
    : nodes_(nodes),
      mount_point_(std::move(mount_point)),
      device_(std::move(device)),
      caller_(std::move(caller)) {}

void OwnTree::DropView() {
  std::shared_ptr<TreeCaller> closed_without_lock;
  {
    MutexLock lock(mutex_);
    closed_without_lock.swap(caller_);
    dropped_ = true;
  }
  if (closed_without_lock) closed_without_lock->DropView();
}

bool OwnTree::lost() {
  MutexLock lock(mutex_);
  return caller_ && caller_->lost();
}

Result<OwnTree::Session> OwnTree::Open() {
  {
    MutexLock lock(mutex_);
    if (caller_) return Session(nodes_, caller_);
    if (dropped_ || device_.empty()) return Fail(ErrorCode::kNotFound, "the volume is not mounted");
  }
  // O_PATH raises no event and needs no request. It makes the mount busy while it is held, so it is
  // held for this batch of changes only.
  OwnedFd root(open(mount_point_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Fail(ErrnoError(errno, mount_point_));
  if (FileSystemOf(root.get()) != device_) {
    return Fail(ErrorCode::kNotFound, mount_point_ + ": another file system is mounted there");
  }
  return Session(nodes_, std::make_shared<LocalTreeCaller>(std::move(root)));
}

Status OwnTree::Session::Make(const TreeChange& change, const TreeCall& call) {
  int why = ENOTCONN;
  if (!caller_->lost()) {
    nodes_.Arm(change);
    why = caller_->Perform(call);
    // One that died may have been at it: its request still counts, whichever daemon gets it.
    if (!caller_->lost()) nodes_.Arm({});
  }
  if (why != 0) return Fail(ErrnoError(why, "change of " + call.path));
  return {};
}

Status OwnTree::Session::MakeDirectory(const TreeChange& change, const std::string& path) {
  return Make(change, {Call::kMakeDirectory, 0, 0, path, ""});
}

Status OwnTree::Session::MakeFile(const TreeChange& change, const std::string& path) {
  return Make(change, {Call::kMakeFile, 0, 0, path, ""});
}

Status OwnTree::Session::MakeLink(const TreeChange& change, const std::string& target,
                                  const std::string& path) {
  return Make(change, {Call::kMakeLink, 0, 0, path, target});
}

Status OwnTree::Session::Rename(const TreeChange& change, const std::string& from,
                                const std::string& to) {
  return Make(change, {Call::kRename, 0, 0, from, to});
}

Status OwnTree::Session::Unlink(const TreeChange& change, const std::string& path) {
  return Make(change, {Call::kUnlink, 0, 0, path, ""});
}

Status OwnTree::Session::RemoveDirectory(const TreeChange& change, const std::string& path) {
  return Make(change, {Call::kRemoveDirectory, 0, 0, path, ""});
}

Status OwnTree::Session::ChangeMode(NodeId node, const std::string& path, unsigned mode) {
  return Make({ChangeKind::kSetAttributes, node, "", ""}, {Call::kChangeMode, mode, 0, path, ""});
}

Status OwnTree::Session::Touch(NodeId node, const std::string& path) {
  return Make({ChangeKind::kSetAttributes, node, "", ""}, {Call::kTouch, 0, 0, path, ""});
}

void OwnTree::Session::Look(const std::string& path) const {
  // Only the request that it causes is wanted.
  caller_->Perform({Call::kLook, 0, 0, path, ""});
}

}  // namespace downwardfs
