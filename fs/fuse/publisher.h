// SPDX-License-Identifier: Apache-2.0
//
// Tells the kernel that names have moved. This never happens on a thread that serves requests: a
// notification waits for the directory's lock, whose holder may be waiting for our answer. So one
// thread, owned by the publisher, sends them, in the order of the flips.
//
// A retired data directory keeps its name for two seconds (kGraceTime), so that a reader that has
// just followed `..data` still finds it; then the kernel is told to drop the name, forgets what
// hangs below it, and the version is freed.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

#include "base/mutex.h"
#include "base/worker_thread.h"
#include "fs/fuse/node_table.h"

namespace downwardfs {

/// The two notifications, as an interface so that tests need no kernel. Called by the publisher's
/// thread only. Failures are not reported: a name that the kernel does not know needs no notice.
class KernelNotifier {
 public:
  virtual ~KernelNotifier() = default;
  /// FUSE_NOTIFY_INVAL_ENTRY: `name` in the root means something else now.
  virtual void InvalidateName(const std::string& name) = 0;
  /// FUSE_NOTIFY_INVAL_INODE of the root: its attributes and its listing have changed.
  virtual void InvalidateRoot() = 0;
};

class Publisher {
 public:
  static constexpr std::chrono::seconds kGraceTime{2};

  /// Both outlive the publisher. The thread starts at once.
  Publisher(NodeTable& nodes, KernelNotifier& notifier);
  /// Sends what is still queued (not what waits for its grace time), then joins the thread.
  ~Publisher();

  /// Queues the notifications of a flip. Any thread; does not wait.
  void Enqueue(NodeTable::Flip flip) EXCLUDES(mutex_);

  /// Flips whose notifications have been sent.
  std::uint64_t published() const EXCLUDES(mutex_);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Retired {
    SteadyTime due;
    std::uint64_t version;
  };

  void Run() EXCLUDES(mutex_);

  NodeTable& nodes_;
  KernelNotifier& notifier_;
  mutable Mutex mutex_;
  CondVar wake_;
  std::deque<NodeTable::Flip> flips_ GUARDED_BY(mutex_);
  std::deque<Retired> retired_ GUARDED_BY(mutex_);  // by due time, as they come
  std::uint64_t published_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  WorkerThread thread_;  // last: it uses the members above
};

}  // namespace downwardfs
