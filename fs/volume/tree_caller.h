// SPDX-License-Identifier: Apache-2.0
// Makes the calls that change the volume's tree, in this process or in the publisher's process that
// the holder keeps (mount-helper/publisher_process.h). Used on the volume's lane.
#pragma once

#include <atomic>
#include <cerrno>
#include <memory>

#include "base/mutex.h"
#include "base/owned_fd.h"
#include "fs/fuse/kernel_notifier.h"
#include "mount-helper/tree_call.h"

namespace downwardfs {

class TreeCaller {
 public:
  virtual ~TreeCaller() = default;
  /// Makes the call and waits for it; 0 or an errno.
  virtual int Perform(const TreeCall& call) = 0;
  /// It can make no call any more, and whoever keeps it has another daemon go on: nothing may count
  /// as shown from now on, since nobody could tell the kernel. Any thread.
  virtual bool lost() const { return false; }
  /// There is nobody any more who would have another daemon go on: it is never lost from now on.
  /// A call that it cannot make fails with ENOTCONN. Any thread.
  virtual void GoOnAlone() {}
  /// Changes are made through the kernel, and those who watch get events. Any thread.
  virtual bool raises_events() const { return true; }
  /// The public mount is gone: what keeps the file system in existence is let go of, at the latest
  /// when nobody has the caller any more. Any thread.
  virtual void DropView() {}
};

/// In this process, relative to a directory fd.
class LocalTreeCaller final : public TreeCaller {
 public:
  explicit LocalTreeCaller(OwnedFd root) : root_(std::move(root)) {}
  int Perform(const TreeCall& call) override { return PerformTreeCall(call, root_.get(), -1); }

 private:
  const OwnedFd root_;
};

/// In the publisher's process, over its connection. ENOTCONN once that is gone.
class RemoteTreeCaller final : public TreeCaller {
 public:
  explicit RemoteTreeCaller(OwnedFd connection) : connection_(std::move(connection)) {}
  int Perform(const TreeCall& call) override EXCLUDES(mutex_);
  bool lost() const override { return lost_ && !alone_; }
  void GoOnAlone() override { alone_ = true; }
  /// A publisher ends with its holder.
  bool raises_events() const override { return !lost_ && !alone_; }

 private:
  const OwnedFd connection_;
  // A call and its answer belong together. Held while the publisher is in the call, so it is taken
  // on lanes only, never by a thread that serves requests.
  Mutex mutex_;
  std::atomic<bool> lost_{false};
  std::atomic<bool> alone_{false};
};

/// Notifications by way of a caller, and by ourselves once it has gone and nobody replaces it.
class TreeNotifier final : public KernelNotifier {
 public:
  /// `own` outlives the notifier.
  TreeNotifier(std::shared_ptr<TreeCaller> caller, KernelNotifier& own)
      : caller_(std::move(caller)), own_(own) {}
  void InvalidateName(InodeId directory, const std::string& name) override {
    if (Failed({TreeCall::Kind::kInvalidateName, 0, directory, name, ""})) {
      own_.InvalidateName(directory, name);
    }
  }
  void InvalidateInode(InodeId inode) override {
    if (Failed({TreeCall::Kind::kInvalidateNode, 0, inode, "", ""})) own_.InvalidateInode(inode);
  }

 private:
  bool Failed(const TreeCall& call) {
    return caller_->Perform(call) == ENOTCONN && !caller_->lost();
  }

  const std::shared_ptr<TreeCaller> caller_;
  KernelNotifier& own_;
};

}  // namespace downwardfs
