// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/publisher.h"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <list>
#include <queue>
#include <thread>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"

namespace downwardfs {

// A stuck thread may outlive the publisher, so all that it touches is shared.
struct Publisher::Pool : std::enable_shared_from_this<Publisher::Pool> {
  struct Timer {
    SteadyTime due;
    std::uint64_t order;  // of two that are due at once the earlier goes first
    std::weak_ptr<Lane::State> lane;
    std::shared_ptr<Task> task;
    bool operator<(const Timer& other) const {
      return std::tie(other.due, other.order) < std::tie(due, order);
    }
  };

  void StartWorker() REQUIRES(mutex);
  void Work() EXCLUDES(mutex);
  void RunOne(const std::shared_ptr<Lane::State>& lane) REQUIRES(mutex);
  void Watch() EXCLUDES(mutex);
  void MakeReady(const std::shared_ptr<Lane::State>& lane) REQUIRES(mutex);
  void FireTimers(SteadyTime now) REQUIRES(mutex);
  SteadyTime SetStuckAside(SteadyTime now) REQUIRES(mutex);

  Options options;
  mutable Mutex mutex;
  CondVar work;     // a lane is ready, or we stop
  CondVar clock;    // a timer was added, a task has begun, or we stop
  CondVar settled;  // a task has ended, or is stuck
  std::deque<std::shared_ptr<Lane::State>> ready GUARDED_BY(mutex);
  std::priority_queue<Timer> timers GUARDED_BY(mutex);
  std::uint64_t next_order GUARDED_BY(mutex) = 0;
  std::list<std::shared_ptr<Lane::State>> running GUARDED_BY(mutex);
  SteadyTime next_look GUARDED_BY(mutex) = SteadyTime::max();  // of the clock's thread
  int workers GUARDED_BY(mutex) = 0;                           // those that are not stuck
  int stuck GUARDED_BY(mutex) = 0;
  bool stopping GUARDED_BY(mutex) = false;
};

struct Publisher::Lane::State {
  std::shared_ptr<Pool> pool;
  // All guarded by the pool's mutex.
  std::deque<Task> tasks;
  bool active = false;  // queued in `ready`, or running
  bool running = false;
  bool stuck = false;
  bool closed = false;
  SteadyTime since;
};

void Publisher::Pool::StartWorker() {
  ++workers;
  // Not a WorkerThread: whoever owns one joins it, and a stuck one cannot be joined.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread([self = shared_from_this()] { self->Work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), "publisher");
  thread.detach();  // counted in `workers`, which the destructor waits for
}

void Publisher::Pool::MakeReady(const std::shared_ptr<Lane::State>& lane) {
  if (lane->active) return;
  lane->active = true;
  ready.push_back(lane);
  work.NotifyOne();
}

// Runs the first task of a lane. The lock is held before and after, not meanwhile.
void Publisher::Pool::RunOne(const std::shared_ptr<Lane::State>& lane) {
  Task task = std::move(lane->tasks.front());
  lane->tasks.pop_front();
  lane->running = true;
  lane->since = std::chrono::steady_clock::now();
  const auto place = running.insert(running.end(), lane);
  if (lane->since + options.stuck_after < next_look) clock.NotifyAll();
  mutex.unlock();
  task();
  task = nullptr;  // what it holds goes without the lock
  mutex.lock();
  running.erase(place);
  lane->running = false;
  if (std::exchange(lane->stuck, false)) {
    --stuck;
    ++workers;
  }
  settled.NotifyAll();
}

void Publisher::Pool::Work() {
  mutex.lock();
  for (;;) {
    while (ready.empty() && !stopping && workers <= options.threads) work.Wait(mutex);
    if (ready.empty()) break;  // we stop, or there are more workers than are needed
    const auto lane = std::move(ready.front());
    ready.pop_front();
    if (!lane->tasks.empty()) RunOne(lane);  // it is empty where the lane was closed meanwhile
    lane->active = false;
    if (!lane->tasks.empty()) MakeReady(lane);
  }
  --workers;
  settled.NotifyAll();
  mutex.unlock();
}

void Publisher::Pool::FireTimers(SteadyTime now) {
  while (!timers.empty() && timers.top().due <= now) {
    const Timer timer = timers.top();
    timers.pop();
    const auto lane = timer.lane.lock();
    if (!lane || lane->closed) continue;
    lane->tasks.push_back(std::move(*timer.task));
    MakeReady(lane);
  }
}

// Returns when to look again.
Publisher::SteadyTime Publisher::Pool::SetStuckAside(SteadyTime now) {
  SteadyTime next = SteadyTime::max();
  for (const auto& lane : running) {
    if (lane->stuck) continue;
    if (lane->since + options.stuck_after > now) {
      next = std::min(next, lane->since + options.stuck_after);
      continue;
    }
    lane->stuck = true;
    ++stuck;
    --workers;
    StartWorker();
    settled.NotifyAll();
  }
  return next;
}

void Publisher::Pool::Watch() {
  MutexLock lock(mutex);
  while (!stopping) {
    const SteadyTime now = std::chrono::steady_clock::now();
    FireTimers(now);
    next_look = SetStuckAside(now);
    if (!timers.empty()) next_look = std::min(next_look, timers.top().due);
    if (next_look == SteadyTime::max()) {
      clock.Wait(mutex);
    } else {
      clock.WaitUntil(mutex, next_look);
    }
  }
}

Publisher::Lane::Lane(std::shared_ptr<State> state) : state_(std::move(state)) {}

Publisher::Lane::~Lane() {
  Pool& pool = *state_->pool;
  std::deque<Task> dropped;
  MutexLock lock(pool.mutex);
  state_->closed = true;
  dropped.swap(state_->tasks);
  while (state_->running && !state_->stuck) pool.settled.Wait(pool.mutex);
}

Publisher::Lane::Poster::Poster(std::shared_ptr<State> state) : state_(std::move(state)) {}

Publisher::Lane::Poster Publisher::Lane::poster() const {
  return Poster(state_);
}

void Publisher::Lane::Poster::Post(Task task) const {
  MutexLock lock(state_->pool->mutex);
  if (state_->closed) return;
  state_->tasks.push_back(std::move(task));
  state_->pool->MakeReady(state_);
}

void Publisher::Lane::Poster::PostAt(SteadyTime due, Task task) const {
  Pool& pool = *state_->pool;
  MutexLock lock(pool.mutex);
  pool.timers.push({due, pool.next_order++, state_, std::make_shared<Task>(std::move(task))});
  if (due < pool.next_look) pool.clock.NotifyAll();
}

bool Publisher::Lane::stuck() const {
  MutexLock lock(state_->pool->mutex);
  return state_->stuck;
}

Publisher::Publisher(Options options) : pool_(std::make_shared<Pool>()) {
  pool_->options = options;
  MutexLock lock(pool_->mutex);
  for (int i = 0; i < options.threads; ++i) pool_->StartWorker();
  watch_ = WorkerThread("publish-clock", [pool = pool_] { pool->Watch(); });
}

Publisher::~Publisher() {
  {
    MutexLock lock(pool_->mutex);
    pool_->stopping = true;
    pool_->work.NotifyAll();
    pool_->clock.NotifyAll();
  }
  watch_.Join();
  // What is not due yet may own what owns a lane, and so the pool. It goes without the lock.
  std::priority_queue<Pool::Timer> dropped;
  MutexLock lock(pool_->mutex);
  dropped.swap(pool_->timers);
  while (pool_->workers > 0) pool_->settled.Wait(pool_->mutex);
  if (pool_->stuck > 0) {
    LogWarning("a change of a mounted volume hangs and is left to the kernel", {});
  }
}

std::unique_ptr<Publisher::Lane> Publisher::NewLane() {
  auto state = std::make_shared<Lane::State>();
  state->pool = pool_;
  return std::unique_ptr<Lane>(new Lane(std::move(state)));
}

int Publisher::stuck() const {
  MutexLock lock(pool_->mutex);
  return pool_->stuck;
}

}  // namespace downwardfs
