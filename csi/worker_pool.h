// SPDX-License-Identifier: Apache-2.0
//
// The publisher's processes of a node (mount-helper/publisher_process.h), shared by all volumes:
// whoever has a call takes an idle connection, or asks the holder for a new one. With the holder
// away no process answers; what the kernel can be told by notification is then told by this
// process, so that readers see the change all the same, without events.
//
// The pool outlives its callers. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "fs/volume/tree_caller.h"

namespace downwardfs {

class WorkerPool {
 public:
  using NewWorker = std::function<Result<OwnedFd>()>;
  explicit WorkerPool(NewWorker new_worker) : new_worker_(std::move(new_worker)) {}

  /// Makes the call in one of the processes; 0 or an errno, ENOTCONN if no process is left.
  int Perform(const TreeCall& call, int device, int view) EXCLUDES(mutex_);

 private:
  OwnedFd TakeIdle() EXCLUDES(mutex_);

  const NewWorker new_worker_;
  Mutex mutex_;
  std::vector<OwnedFd> idle_ GUARDED_BY(mutex_);
};

/// The caller of one volume.
class PooledTreeCaller final : public TreeCaller {
 public:
  PooledTreeCaller(WorkerPool& pool, OwnedFd device, OwnedFd view)
      : pool_(pool),
        device_(std::move(device)),
        view_(std::make_shared<const OwnedFd>(std::move(view))) {}
  int Perform(const TreeCall& call) override EXCLUDES(mutex_);
  void DropView() override EXCLUDES(mutex_);

 private:
  WorkerPool& pool_;
  const OwnedFd device_;
  Mutex mutex_;
  std::shared_ptr<const OwnedFd> view_ GUARDED_BY(mutex_);  // a call under way has it too
};

}  // namespace downwardfs
