// SPDX-License-Identifier: Apache-2.0
//
// The threads that answer the kernel, for all volumes of the process: each waits on one epoll over
// the sessions' devices and serves whichever has a request. They never block but in epoll_wait(2),
// and never touch a mount of ours.
//
// With threads for busy sessions, no volume takes the threads from the others: a session has one
// thread at a time, and one that uses more processor time than its share is busy: other threads
// serve it until it has rested. So a quiet volume's request finds a thread that is waiting for it,
// however many files another pod opens.
//
// One owner makes the loop and destroys it after all sessions have been removed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/mutex.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "base/worker_thread.h"
#include "fs/fuse/kernel_session.h"

namespace downwardfs {

class SessionLoop {
 public:
  /// At most kMaxSlots threads (mount-helper/handover_memory.h). `for_busy` of them serve busy
  /// sessions and no others; 0: every thread serves every session.
  static Result<std::unique_ptr<SessionLoop>> Start(int threads, int for_busy = 0);
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
  using Seconds = std::chrono::duration<double>;
  struct Served {
    std::shared_ptr<KernelSession> session;
    std::function<void()> ended;
    int in_work = 0;       // threads that serve it now
    bool over = false;     // `ended` was called, or will be
    bool removed = false;  // by Remove(), which waits for those threads
    bool again = false;    // a request came while it had its thread
    bool busy = false;     // it waits in `busy_epoll_`
    Seconds reserve{0};    // of processor time, as of `as_of`: full when it is looked at first
    std::chrono::steady_clock::time_point as_of{};
  };
  struct Descriptors {
    OwnedFd epoll, busy_epoll, stop, ping;
  };

  SessionLoop(Descriptors fds, bool shares) : fds_(std::move(fds)), shares_(shares) {}
  void Serve(std::uint32_t slot, int epoll) EXCLUDES(mutex_);
  void ServeSession(std::uint64_t id, RequestBuffer& buffer) EXCLUDES(mutex_);
  void EndTurn(std::uint64_t id, bool more, Seconds used) EXCLUDES(mutex_);
  void Refill(Served& served, std::chrono::steady_clock::time_point now) const;
  void Move(std::uint64_t id, Served& served, bool busy) REQUIRES(mutex_);
  void ReturnRested() REQUIRES(mutex_);
  void End(std::uint64_t id, const KernelSession& session) EXCLUDES(mutex_);
  int EpollOf(const Served& served) const {
    return served.busy ? fds_.busy_epoll.get() : fds_.epoll.get();
  }

  const Descriptors fds_;
  const bool shares_;  // there are threads for busy sessions
  Mutex mutex_;
  CondVar idle_;  // a thread has left a session, or answered a ping
  std::map<std::uint64_t, Served> sessions_ GUARDED_BY(mutex_);
  std::set<std::uint64_t> busy_ GUARDED_BY(mutex_);
  std::uint64_t next_id_ GUARDED_BY(mutex_) = 2;
  std::uint64_t pings_answered_ GUARDED_BY(mutex_) = 0;
  std::vector<WorkerThread> threads_;
};

}  // namespace downwardfs
