// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/lane_pool.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <deque>
#include <map>
#include <queue>
#include <set>
#include <thread>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"

namespace downwardfs {

// A stuck thread may outlive the LanePool, so all that it touches is shared.
struct Lane::Pool : std::enable_shared_from_this<Lane::Pool> {
  struct State {
    std::deque<Task> tasks;
    bool active = false;  // queued in `ready`, or running
    bool running = false;
    bool stuck = false;
    bool closed = false;  // its Lane is gone; it goes when it is not active any more
    SteadyTime since;     // of the task that runs
  };
  struct Timer {
    SteadyTime due;
    std::uint64_t order;  // of two that are due at once the earlier goes first
    std::uint64_t lane;
    std::shared_ptr<Task> task;
    bool operator<(const Timer& other) const {
      return std::tie(other.due, other.order) < std::tie(due, order);
    }
  };

  explicit Pool(LanePool::Options opts) : options(opts) {}

  void StartWorker() REQUIRES(mutex);
  void Work() EXCLUDES(mutex);
  void RunOne(std::uint64_t id) REQUIRES(mutex);
  void Watch() EXCLUDES(mutex);
  void MakeReady(std::uint64_t id, State& lane) REQUIRES(mutex);
  void FireTimers(SteadyTime now) REQUIRES(mutex);
  SteadyTime SetStuckAside(SteadyTime now) REQUIRES(mutex);
  State* Open(std::uint64_t id) REQUIRES(mutex);

  const LanePool::Options options;
  mutable Mutex mutex;
  CondVar work;     // a lane is ready, or we stop
  CondVar clock;    // a timer was added, a task has begun, or we stop
  CondVar settled;  // a task has ended, or is stuck
  std::map<std::uint64_t, State> lanes GUARDED_BY(mutex);
  std::deque<std::uint64_t> ready GUARDED_BY(mutex);
  std::set<std::uint64_t> running GUARDED_BY(mutex);
  std::priority_queue<Timer> timers GUARDED_BY(mutex);
  std::uint64_t next_lane GUARDED_BY(mutex) = 0;
  std::uint64_t next_order GUARDED_BY(mutex) = 0;
  SteadyTime next_look GUARDED_BY(mutex) = SteadyTime::max();  // of the clock's thread
  int workers GUARDED_BY(mutex) = 0;                           // those that are not stuck
  int stuck GUARDED_BY(mutex) = 0;
  bool stopping GUARDED_BY(mutex) = false;
};

// Null once its Lane is gone.
Lane::Pool::State* Lane::Pool::Open(std::uint64_t id) {
  const auto at = lanes.find(id);
  return at == lanes.end() || at->second.closed ? nullptr : &at->second;
}

void Lane::Pool::StartWorker() {
  ++workers;
  // Not a WorkerThread: whoever owns one joins it, and a stuck one cannot be joined.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread([self = shared_from_this()] { self->Work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), "lane");
  thread.detach();  // counted in `workers`, which the destructor waits for
}

void Lane::Pool::MakeReady(std::uint64_t id, State& lane) {
  if (lane.active) return;
  lane.active = true;
  ready.push_back(id);
  work.NotifyOne();
}

// Runs the first task of a lane. The lock is held before and after, not meanwhile. The lane stays
// in the table, since it is active.
void Lane::Pool::RunOne(std::uint64_t id) {
  State& lane = lanes.at(id);
  Task task = std::move(lane.tasks.front());
  lane.tasks.pop_front();
  lane.running = true;
  lane.since = std::chrono::steady_clock::now();
  running.insert(id);
  if (lane.since + options.stuck_after < next_look) clock.NotifyAll();
  mutex.unlock();
  task();
  task = nullptr;  // what it holds goes without the lock
  mutex.lock();
  running.erase(id);
  lane.running = false;
  if (std::exchange(lane.stuck, false)) {
    --stuck;
    ++workers;
  }
  settled.NotifyAll();
}

void Lane::Pool::Work() {
  mutex.lock();
  for (;;) {
    while (ready.empty() && !stopping && workers <= options.threads) work.Wait(mutex);
    if (ready.empty()) break;  // we stop, or there are more workers than are needed
    const std::uint64_t id = ready.front();
    ready.pop_front();
    State& lane = lanes.at(id);
    if (!lane.tasks.empty()) RunOne(id);  // it is empty if the lane was closed meanwhile
    lane.active = false;
    if (!lane.tasks.empty()) {
      MakeReady(id, lane);
    } else if (lane.closed) {
      lanes.erase(id);
    }
  }
  --workers;
  settled.NotifyAll();
  mutex.unlock();
}

void Lane::Pool::FireTimers(SteadyTime now) {
  while (!timers.empty() && timers.top().due <= now) {
    const Timer timer = timers.top();
    timers.pop();
    State* const lane = Open(timer.lane);
    if (lane == nullptr) continue;
    lane->tasks.push_back(std::move(*timer.task));
    MakeReady(timer.lane, *lane);
  }
}

// Returns when to look again.
Lane::SteadyTime Lane::Pool::SetStuckAside(SteadyTime now) {
  SteadyTime next = SteadyTime::max();
  for (const std::uint64_t id : running) {
    State& lane = lanes.at(id);
    if (lane.stuck) continue;
    if (lane.since + options.stuck_after > now) {
      next = std::min(next, lane.since + options.stuck_after);
      continue;
    }
    lane.stuck = true;
    ++stuck;
    --workers;
    StartWorker();
    settled.NotifyAll();
  }
  return next;
}

void Lane::Pool::Watch() {
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

Lane::~Lane() {
  std::deque<Task> dropped;  // without the lock
  MutexLock lock(pool_->mutex);
  Pool::State& lane = pool_->lanes.at(id_);
  lane.closed = true;
  dropped.swap(lane.tasks);
  if (!lane.active) {
    pool_->lanes.erase(id_);
    return;
  }
  for (;;) {  // the thread that runs it takes it out of the table
    const auto at = pool_->lanes.find(id_);
    if (at == pool_->lanes.end() || !at->second.running || at->second.stuck) return;
    pool_->settled.Wait(pool_->mutex);
  }
}

void Lane::Poster::Post(Task task) const {
  MutexLock lock(pool_->mutex);
  Pool::State* const lane = pool_->Open(lane_);
  if (lane == nullptr) return;
  lane->tasks.push_back(std::move(task));
  pool_->MakeReady(lane_, *lane);
}

void Lane::Poster::PostAt(SteadyTime due, Task task) const {
  MutexLock lock(pool_->mutex);
  pool_->timers.push({due, pool_->next_order++, lane_, std::make_shared<Task>(std::move(task))});
  if (due < pool_->next_look) pool_->clock.NotifyAll();
}

bool Lane::stuck() const {
  MutexLock lock(pool_->mutex);
  return pool_->lanes.at(id_).stuck;
}

LanePool::LanePool(Options options) : pool_(std::make_shared<Lane::Pool>(options)) {
  MutexLock lock(pool_->mutex);
  for (int i = 0; i < options.threads; ++i) pool_->StartWorker();
  watch_ = WorkerThread("lane-clock", [pool = pool_] { pool->Watch(); });
}

LanePool::~LanePool() {
  {
    MutexLock lock(pool_->mutex);
    pool_->stopping = true;
    pool_->work.NotifyAll();
    pool_->clock.NotifyAll();
  }
  watch_.Join();
  // A task that is not due yet may own a lane, and so the pool: it goes without the lock.
  std::priority_queue<Lane::Pool::Timer> dropped;
  MutexLock lock(pool_->mutex);
  dropped.swap(pool_->timers);
  while (pool_->workers > 0) pool_->settled.Wait(pool_->mutex);
  if (pool_->stuck > 0) {
    LogWarning("a change of a mounted volume hangs and is left to the kernel", {});
  }
}

std::unique_ptr<Lane> LanePool::NewLane() {
  MutexLock lock(pool_->mutex);
  const std::uint64_t id = pool_->next_lane++;
  pool_->lanes[id];
  return std::unique_ptr<Lane>(new Lane(pool_, id));
}

int LanePool::stuck() const {
  MutexLock lock(pool_->mutex);
  return pool_->stuck;
}

}  // namespace downwardfs
