// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/session_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "base/thread_time.h"

namespace downwardfs {
namespace {

// In place of a session's number.
constexpr std::uint64_t kStop = 0;
constexpr std::uint64_t kPing = 1;
// So that a volume under heavy load does not keep the others waiting.
constexpr int kRequestsInARow = 16;
// The share of one thread that a session may use for long, and the time that it can save up. A new
// version of a large volume is read well within the reserve; a reader that opens files without
// pause spends it in a few milliseconds.
constexpr double kShare = 0.1;
constexpr std::chrono::duration<double> kReserve{0.005};

// Edge-triggered: one thread is woken for a request, not one after the other until it is taken. So
// a thread reads until there is nothing, or sets the event again.
epoll_event Readable(std::uint64_t id) {
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = id;
  return event;
}

}  // namespace

Result<std::unique_ptr<SessionLoop>> SessionLoop::Start(int threads, int for_busy) {
  Descriptors fds;
  for (OwnedFd* epoll : {&fds.epoll, &fds.busy_epoll}) {
    epoll->Reset(epoll_create1(EPOLL_CLOEXEC));
    if (!*epoll) return Fail(ErrnoError(errno, "epoll_create1"));
  }
  for (OwnedFd* event : {&fds.stop, &fds.ping}) {
    event->Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!*event) return Fail(ErrnoError(errno, "eventfd"));
  }
  epoll_event stopped = {};
  stopped.events = EPOLLIN;
  stopped.data.u64 = kStop;
  epoll_event pinged = Readable(kPing);
  if (epoll_ctl(fds.epoll.get(), EPOLL_CTL_ADD, fds.stop.get(), &stopped) != 0 ||
      epoll_ctl(fds.busy_epoll.get(), EPOLL_CTL_ADD, fds.stop.get(), &stopped) != 0 ||
      epoll_ctl(fds.epoll.get(), EPOLL_CTL_ADD, fds.ping.get(), &pinged) != 0) {
    return Fail(ErrnoError(errno, "epoll_ctl"));
  }
  std::unique_ptr<SessionLoop> loop(new SessionLoop(std::move(fds), for_busy > 0));
  for (int i = 0; i < threads; ++i) {
    const int epoll = (i < threads - for_busy ? loop->fds_.epoll : loop->fds_.busy_epoll).get();
    loop->threads_.emplace_back(
        "fuse-" + std::to_string(i),
        [serving = loop.get(), epoll, slot = static_cast<std::uint32_t>(i)] {
          serving->Serve(slot, epoll);
        });
  }
  return loop;
}

SessionLoop::~SessionLoop() {
  // Stays readable, so that every thread sees it.
  eventfd_write(fds_.stop.get(), 1);
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
  if (epoll_ctl(fds_.epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    const int why = errno;
    MutexLock lock(mutex_);
    sessions_.erase(id);
    return Fail(ErrnoError(why, "epoll_ctl"));
  }
  return id;
}

void SessionLoop::Remove(std::uint64_t session) {
  std::shared_ptr<KernelSession> removed;
  int epoll = -1;
  {
    MutexLock lock(mutex_);
    const auto it = sessions_.find(session);
    if (it == sessions_.end() || std::exchange(it->second.removed, true)) return;
    removed = it->second.session;
    epoll = EpollOf(it->second);  // it is moved no more
    busy_.erase(session);
  }
  epoll_ctl(epoll, EPOLL_CTL_DEL, removed->fd(), nullptr);
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
  eventfd_write(fds_.ping.get(), 1);  // each write is an event of its own (epoll(7), EPOLLET)
  while (pings_answered_ == before && idle_.WaitUntil(mutex_, deadline)) {
  }
  return pings_answered_ != before;
}

void SessionLoop::Serve(std::uint32_t slot, int epoll) {
  RequestBuffer buffer(slot);
  for (;;) {
    epoll_event event = {};
    const int n = epoll_wait(epoll, &event, 1, -1);
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
    if (shares_ && it->second.in_work > 0) {
      it->second.again = true;  // its thread looks once more before it goes
      return;
    }
    session = it->second.session;
    ++it->second.in_work;  // from now on it stays in the table
  }
  const Seconds before = shares_ ? TimeOfThisThread() : Seconds(0);
  auto outcome = KernelSession::Outcome::kServed;
  for (int i = 0; i < kRequestsInARow && outcome == KernelSession::Outcome::kServed; ++i) {
    outcome = session->ServeOne(buffer);
  }
  const Seconds used = shares_ ? TimeOfThisThread() - before : Seconds(0);
  if (outcome == KernelSession::Outcome::kEnded) End(id, *session);
  session.reset();
  EndTurn(id, outcome == KernelSession::Outcome::kServed, used);
}

// `more`: there may be more requests, but it is another volume's turn.
void SessionLoop::EndTurn(std::uint64_t id, bool more, Seconds used) {
  MutexLock lock(mutex_);
  Served& served = sessions_.at(id);
  more = std::exchange(served.again, false) || more;
  if (!served.over && !served.removed) {
    if (shares_) {
      Refill(served, std::chrono::steady_clock::now());
      served.reserve = std::max(served.reserve - used, -kReserve);
      ReturnRested();
    }
    if (!served.busy && served.reserve.count() < 0) {
      Move(id, served, /*busy=*/true);
    } else if (more) {
      epoll_event event = Readable(id);
      epoll_ctl(EpollOf(served), EPOLL_CTL_MOD, served.session->fd(), &event);
    }
  }
  // Not before: another thread that is woken must find it without a thread.
  --served.in_work;
  idle_.NotifyAll();
}

void SessionLoop::Refill(Served& served, std::chrono::steady_clock::time_point now) const {
  const Seconds passed = now - std::exchange(served.as_of, now);
  served.reserve = std::min(served.reserve + passed * kShare, kReserve);
}

// A session that has requests wakes a thread of the other epoll.
void SessionLoop::Move(std::uint64_t id, Served& served, bool busy) {
  epoll_ctl(EpollOf(served), EPOLL_CTL_DEL, served.session->fd(), nullptr);
  served.busy = busy;
  if (busy) {
    busy_.insert(id);
  } else {
    busy_.erase(id);
  }
  epoll_event event = Readable(id);
  epoll_ctl(EpollOf(served), EPOLL_CTL_ADD, served.session->fd(), &event);
}

void SessionLoop::ReturnRested() {
  const auto now = std::chrono::steady_clock::now();
  for (auto at = busy_.begin(); at != busy_.end();) {
    const std::uint64_t id = *at++;
    Served& served = sessions_.at(id);
    Refill(served, now);
    if (served.reserve >= kReserve / 2) Move(id, served, /*busy=*/false);
  }
}

// Of the threads that notice, one says so.
void SessionLoop::End(std::uint64_t id, const KernelSession& session) {
  std::function<void()> ended;
  int epoll = -1;
  {
    MutexLock lock(mutex_);
    Served& served = sessions_.at(id);
    if (std::exchange(served.over, true)) return;
    ended = served.ended;
    epoll = EpollOf(served);  // it is moved no more
    busy_.erase(id);
  }
  epoll_ctl(epoll, EPOLL_CTL_DEL, session.fd(), nullptr);
  ended();
}

}  // namespace downwardfs
