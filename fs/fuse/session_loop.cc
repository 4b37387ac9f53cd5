// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/session_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <string>
#include <utility>

namespace downwardfs {
namespace {

// In place of a session's number.
constexpr std::uint64_t kStop = 0;
constexpr std::uint64_t kPing = 1;
// So that a volume under heavy load does not keep the others waiting.
constexpr int kRequestsInARow = 16;

// Edge-triggered: one thread is woken for a request, not one after the other until it is taken. So
// a thread reads until there is nothing, or sets the event again.
epoll_event Readable(std::uint64_t id) {
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = id;
  return event;
}

}  // namespace

Result<std::unique_ptr<SessionLoop>> SessionLoop::Start(int threads) {
  OwnedFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return Fail(ErrnoError(errno, "epoll_create1"));
  OwnedFd stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop) return Fail(ErrnoError(errno, "eventfd"));
  OwnedFd ping(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!ping) return Fail(ErrnoError(errno, "eventfd"));
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = kStop;
  epoll_event pinged = Readable(kPing);
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, stop.get(), &event) != 0 ||
      epoll_ctl(epoll.get(), EPOLL_CTL_ADD, ping.get(), &pinged) != 0) {
    return Fail(ErrnoError(errno, "epoll_ctl"));
  }
  std::unique_ptr<SessionLoop> loop(
      new SessionLoop(std::move(epoll), std::move(stop), std::move(ping)));
  for (int i = 0; i < threads; ++i) {
    loop->threads_.emplace_back(
        "fuse-" + std::to_string(i),
        [serving = loop.get(), slot = static_cast<std::uint32_t>(i)] { serving->Serve(slot); });
  }
  return loop;
}

SessionLoop::~SessionLoop() {
  // Stays readable, so that every thread sees it.
  eventfd_write(stop_.get(), 1);
  threads_.clear();
}

Result<std::uint64_t> SessionLoop::Add(std::shared_ptr<KernelSession> session,
                                       std::function<void()> ended) {
  const int fd = session->fd();
  Served served;
  served.session = std::move(session);
  served.ended = std::move(ended);
  std::uint64_t id = 0;
  {
    MutexLock lock(mutex_);
    id = next_id_++;
    sessions_.emplace(id, std::move(served));
  }
  epoll_event event = Readable(id);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    const int why = errno;
    MutexLock lock(mutex_);
    sessions_.erase(id);
    return Fail(ErrnoError(why, "epoll_ctl"));
  }
  return id;
}

void SessionLoop::Remove(std::uint64_t session) {
  std::shared_ptr<KernelSession> removed;
  {
    MutexLock lock(mutex_);
    const auto it = sessions_.find(session);
    if (it == sessions_.end() || std::exchange(it->second.removed, true)) return;
    removed = it->second.session;
  }
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, removed->fd(), nullptr);
  Served last;  // goes without the lock
  MutexLock lock(mutex_);
  const auto it = sessions_.find(session);
  while (it->second.in_work > 0) idle_.Wait(mutex_);
  last = std::move(it->second);
  sessions_.erase(it);
}

bool SessionLoop::Answers(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  MutexLock lock(mutex_);
  const std::uint64_t before = pings_answered_;
  eventfd_write(ping_.get(), 1);  // each write is an event of its own (epoll(7), EPOLLET)
  while (pings_answered_ == before && idle_.WaitUntil(mutex_, deadline)) {
  }
  return pings_answered_ != before;
}

void SessionLoop::Serve(std::uint32_t slot) {
  RequestBuffer buffer(slot);
  for (;;) {
    epoll_event event = {};
    const int n = epoll_wait(epoll_.get(), &event, 1, -1);
    if (n < 0 && errno != EINTR) return;
    if (n <= 0) continue;
    if (event.data.u64 == kStop) return;
    if (event.data.u64 == kPing) {
      MutexLock lock(mutex_);
      ++pings_answered_;
      idle_.NotifyAll();
      continue;
    }
    ServeSession(event.data.u64, buffer);
  }
}

void SessionLoop::ServeSession(std::uint64_t id, RequestBuffer& buffer) {
  std::shared_ptr<KernelSession> session;
  {
    MutexLock lock(mutex_);
    const auto it = sessions_.find(id);
    if (it == sessions_.end() || it->second.over || it->second.removed) return;
    session = it->second.session;
    ++it->second.in_work;  // from now on it stays in the table
  }
  auto outcome = KernelSession::Outcome::kServed;
  for (int i = 0; i < kRequestsInARow && outcome == KernelSession::Outcome::kServed; ++i) {
    outcome = session->ServeOne(buffer);
  }
  if (outcome == KernelSession::Outcome::kEnded) {
    End(id, *session);
  } else if (outcome == KernelSession::Outcome::kServed) {
    // There may be more, but it is another volume's turn.
    epoll_event event = Readable(id);
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, session->fd(), &event);
  }
  session.reset();
  MutexLock lock(mutex_);
  --sessions_.at(id).in_work;
  idle_.NotifyAll();
}

// Of the threads that notice, one says so.
void SessionLoop::End(std::uint64_t id, const KernelSession& session) {
  std::function<void()> ended;
  {
    MutexLock lock(mutex_);
    Served& served = sessions_.at(id);
    if (std::exchange(served.over, true)) return;
    ended = served.ended;
  }
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, session.fd(), nullptr);
  ended();
}

}  // namespace downwardfs
