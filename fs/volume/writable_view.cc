// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/writable_view.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "mount-helper/mount_identity.h"

namespace downwardfs {
namespace {

using Call = TreeCall::Kind;

}  // namespace

WritableView::WritableView(VolumeLayout& layout, std::string mount_point, std::string device,
                           std::shared_ptr<TreeCaller> caller)
    : layout_(layout),
      mount_point_(std::move(mount_point)),
      device_(std::move(device)),
      caller_(std::move(caller)) {}

void WritableView::DropView() {
  std::shared_ptr<TreeCaller> closed_without_lock;
  {
    MutexLock lock(mutex_);
    closed_without_lock.swap(caller_);
    dropped_ = true;
  }
  if (closed_without_lock) closed_without_lock->DropView();
}

bool WritableView::reachable() {
  MutexLock lock(mutex_);
  return dropped_ || caller_ || !device_.empty();
}

bool WritableView::lost() {
  MutexLock lock(mutex_);
  return caller_ && caller_->lost();
}

Result<WritableView::Session> WritableView::Open() {
  {
    MutexLock lock(mutex_);
    if (caller_) return Session(layout_, caller_);
    if (dropped_ || device_.empty()) return Fail(ErrorCode::kNotFound, "the volume is not mounted");
  }
  // O_PATH raises no event and needs no request. It makes the mount busy while it is held, so it is
  // held for this batch of changes only.
  OwnedFd root(open(mount_point_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Fail(ErrnoError(errno, mount_point_));
  if (FileSystemOf(root.get()) != device_) {
    return Fail(ErrorCode::kNotFound, mount_point_ + ": another file system is mounted there");
  }
  return Session(layout_, std::make_shared<LocalTreeCaller>(std::move(root)));
}

Status WritableView::Session::Make(const TreeChange& change, const TreeCall& call) {
  int why = ENOTCONN;
  if (!caller_->lost()) {
    layout_.Arm(change);
    why = caller_->Perform(call);
    // One that died may have been at it: its request still counts, whichever daemon gets it.
    if (!caller_->lost()) layout_.Arm({});
  }
  if (why != 0) return Fail(ErrnoError(why, "change of " + call.path));
  return {};
}

Status WritableView::Session::MakeDirectory(const TreeChange& change, const std::string& path) {
  return Make(change, {Call::kMakeDirectory, 0, 0, path, ""});
}

Status WritableView::Session::MakeFile(const TreeChange& change, const std::string& path) {
  return Make(change, {Call::kMakeFile, 0, 0, path, ""});
}

Status WritableView::Session::MakeLink(const TreeChange& change, const std::string& target,
                                       const std::string& path) {
  return Make(change, {Call::kMakeLink, 0, 0, path, target});
}

Status WritableView::Session::Rename(const TreeChange& change, const std::string& from,
                                     const std::string& to) {
  return Make(change, {Call::kRename, 0, 0, from, to});
}

Status WritableView::Session::Unlink(const TreeChange& change, const std::string& path) {
  return Make(change, {Call::kUnlink, 0, 0, path, ""});
}

Status WritableView::Session::RemoveDirectory(const TreeChange& change, const std::string& path) {
  return Make(change, {Call::kRemoveDirectory, 0, 0, path, ""});
}

Status WritableView::Session::ChangeMode(InodeId inode, const std::string& path, unsigned mode) {
  return Make({ChangeKind::kSetAttributes, inode, "", ""}, {Call::kChangeMode, mode, 0, path, ""});
}

Status WritableView::Session::Touch(InodeId inode, const std::string& path) {
  return Make({ChangeKind::kSetAttributes, inode, "", ""}, {Call::kTouch, 0, 0, path, ""});
}

void WritableView::Session::Look(const std::string& path) const {
  // Only the request that it causes is wanted.
  caller_->Perform({Call::kLook, 0, 0, path, ""});
}

}  // namespace downwardfs
