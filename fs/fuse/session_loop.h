// SPDX-License-Identifier: Apache-2.0
//
// The threads that answer the kernel, for all volumes of the process: each waits on one epoll over
// the sessions' devices and serves whichever has a request. They never block but in epoll_wait(2),
// and never touch a mount of ours.
//
// One owner makes the loop and destroys it after all sessions have been removed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "base/worker_thread.h"
#include "fs/fuse/kernel_session.h"

namespace downwardfs {

class SessionLoop {
 public:
  /// At most kMaxSlots threads (mount-helper/handover_memory.h).
  static Result<std::unique_ptr<SessionLoop>> Start(int threads);
  ~SessionLoop();

  /// Serves the session from now on. `ended` is called once, on a serving thread, when its file
  /// system is no longer mounted; it is not served by then. Returns what Remove() takes.
  Result<std::uint64_t> Add(std::shared_ptr<KernelSession> session, std::function<void()> ended)
      EXCLUDES(mutex_);

  /// Serves it no longer: when this returns, no thread uses the session. Not on a serving thread.
  void Remove(std::uint64_t session) EXCLUDES(mutex_);

  /// Whether one of the threads is there for the next request within that time. Not on a serving
  /// thread.
  bool Answers(std::chrono::milliseconds patience) EXCLUDES(mutex_);

 private:
  struct Served {
    std::shared_ptr<KernelSession> session;
    std::function<void()> ended;
    int in_work = 0;       // threads that serve it now
    bool over = false;     // `ended` was called, or will be
    bool removed = false;  // by Remove(), which waits for those threads
  };

  SessionLoop(OwnedFd epoll, OwnedFd stop, OwnedFd ping)
      : epoll_(std::move(epoll)), stop_(std::move(stop)), ping_(std::move(ping)) {}
  void Serve(std::uint32_t slot) EXCLUDES(mutex_);
  void ServeSession(std::uint64_t id, RequestBuffer& buffer) EXCLUDES(mutex_);
  void End(std::uint64_t id, const KernelSession& session) EXCLUDES(mutex_);

  const OwnedFd epoll_;
  const OwnedFd stop_;
  const OwnedFd ping_;
  Mutex mutex_;
  CondVar idle_;  // a thread has left a session, or answered a ping
  std::map<std::uint64_t, Served> sessions_ GUARDED_BY(mutex_);
  std::uint64_t next_id_ GUARDED_BY(mutex_) = 2;
  std::uint64_t pings_answered_ GUARDED_BY(mutex_) = 0;
  std::vector<WorkerThread> threads_;
};

}  // namespace downwardfs
