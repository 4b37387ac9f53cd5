// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/lane_pool.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "base/log_keys.h"
#include "base/mutex.h"
#include "base/named_thread.h"
#include "base/thread_time.h"

namespace downwardfs {
namespace {

// A call of the tree is made by the publisher's process and answered by a serving thread, while the
// task waits: the processor time of all three is about twice what the task's own thread uses.
constexpr double kCostOfOwnTime = 2;

}  // namespace

// A stuck thread may outlive the LanePool, so all that it touches is shared.
struct Lane::Pool : std::enable_shared_from_this<Lane::Pool> {
  struct State {
    std::deque<Task> tasks;
    LaneBudget::Account* account = nullptr;
    bool active = false;  // in `ready` or `held_back`, or running
    bool running = false;
    bool stuck = false;
    bool hot =
        false;  // its account was when it became ready; while it runs it counts in `hot_running`
    bool held_back = false;
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

  // In line: the account's place, then the order of arrival.
  struct Waiting {
    double place;
    std::uint64_t order;
    std::uint64_t lane;
    bool operator<(const Waiting& other) const {
      return std::tie(place, order) < std::tie(other.place, other.order);
    }
  };

  explicit Pool(LanePool::Options opts) : options(opts), budget(opts.budget) {}

  void StartWorker() REQUIRES(mutex);
  void Work() EXCLUDES(mutex);
  std::optional<Waiting> TakeReady() REQUIRES(mutex);
  void RunOne(std::uint64_t id) REQUIRES(mutex);
  void Erase(std::uint64_t id) REQUIRES(mutex);
  void Watch() EXCLUDES(mutex);
  void Activate(std::uint64_t id, State& lane) REQUIRES(mutex);
  void MakeReady(std::uint64_t id, State& lane) REQUIRES(mutex);
  void ReleaseHeldBack(SteadyTime now) REQUIRES(mutex);
  void FireTimers(SteadyTime now) REQUIRES(mutex);
  SteadyTime SetStuckAside(SteadyTime now) REQUIRES(mutex);
  State* Open(std::uint64_t id) REQUIRES(mutex);

  const LanePool::Options options;
  mutable Mutex mutex;
  CondVar work;     // a lane is ready, or we stop
  CondVar clock;    // a timer was added, a task has begun, or we stop
  CondVar settled;  // a task has ended, or is stuck
  std::map<std::uint64_t, State> lanes GUARDED_BY(mutex);
  LaneBudget budget GUARDED_BY(mutex);
  std::set<Waiting> ready[2] GUARDED_BY(mutex);  // of calm accounts, and of hot ones
  std::multimap<SteadyTime, std::uint64_t> held_back GUARDED_BY(mutex);  // by when they may run
  std::set<std::uint64_t> running GUARDED_BY(mutex);
  std::priority_queue<Timer> timers GUARDED_BY(mutex);
  std::uint64_t next_lane GUARDED_BY(mutex) = 0;
  std::uint64_t next_order GUARDED_BY(mutex) = 0;
  SteadyTime next_look GUARDED_BY(mutex) = SteadyTime::max();  // of the clock's thread
  int workers GUARDED_BY(mutex) = 0;                           // those that are not stuck
  int stuck GUARDED_BY(mutex) = 0;
  int hot_running GUARDED_BY(mutex) = 0;  // tasks of hot accounts that are not stuck
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
  std::thread thread;
  try {
    thread = StartNamedThread("lane", [self = shared_from_this()] { self->Work(); });
  } catch (const std::system_error&) {
    --workers;
    throw;
  }
  thread.detach();  // counted in `workers`, which the destructor waits for
}

// The lane has tasks.
void Lane::Pool::Activate(std::uint64_t id, State& lane) {
  if (lane.active) return;
  lane.active = true;
  MakeReady(id, lane);
}

// An active lane goes where it belongs: in line, or to those that are held back.
void Lane::Pool::MakeReady(std::uint64_t id, State& lane) {
  const SteadyTime now = std::chrono::steady_clock::now();
  const SteadyTime due = stopping ? now : budget.MayRunAt(*lane.account, now);
  lane.held_back = due > now;
  if (lane.held_back) {
    held_back.emplace(due, id);
    if (due < next_look) clock.NotifyAll();
    return;
  }
  lane.hot = budget.IsHot(*lane.account, now);
  ready[lane.hot ? 1 : 0].insert({budget.Place(*lane.account), next_order++, id});
  work.NotifyOne();
}

// Of the calm and the hot ones who is first in line; the last thread is not for hot ones.
std::optional<Lane::Pool::Waiting> Lane::Pool::TakeReady() {
  std::set<Waiting>& calm = ready[0];
  std::set<Waiting>& hot = ready[1];
  const bool room = stopping || options.threads < 2 || hot_running < options.threads - 1;
  if (calm.empty() && (hot.empty() || !room)) return std::nullopt;
  std::set<Waiting>& first =
      hot.empty() || !room || (!calm.empty() && *calm.begin() < *hot.begin()) ? calm : hot;
  const Waiting taken = *first.begin();
  first.erase(first.begin());
  budget.Began(taken.place);
  return taken;
}

void Lane::Pool::Erase(std::uint64_t id) {
  const auto at = lanes.find(id);
  budget.Leave(*at->second.account);
  lanes.erase(at);
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
  if (lane.hot) ++hot_running;
  if (lane.since + options.stuck_after < next_look) clock.NotifyAll();
  mutex.unlock();
  const LaneBudget::Seconds before = TimeOfThisThread();
  task();
  task = nullptr;  // frees without the lock all that it holds
  const LaneBudget::Seconds used = TimeOfThisThread() - before;
  mutex.lock();
  running.erase(id);
  lane.running = false;
  budget.Charge(*lane.account, used * kCostOfOwnTime, std::chrono::steady_clock::now());
  if (std::exchange(lane.stuck, false)) {
    --stuck;
    ++workers;
  } else if (lane.hot) {
    --hot_running;
  }
  settled.NotifyAll();
}

void Lane::Pool::Work() {
  mutex.lock();
  for (;;) {
    std::optional<Waiting> next;
    while (!(next = TakeReady()) && !stopping && workers <= options.threads) work.Wait(mutex);
    if (!next) break;  // we stop, or there are more workers than are needed
    const std::uint64_t id = next->lane;
    State& lane = lanes.at(id);
    if (!lane.tasks.empty()) RunOne(id);  // it is empty if the lane was closed meanwhile
    lane.active = false;
    if (!lane.tasks.empty()) {
      Activate(id, lane);
    } else if (lane.closed) {
      Erase(id);
    }
    // A hot one may have waited for this thread to be free.
    if (!ready[1].empty()) work.NotifyOne();
  }
  --workers;
  settled.NotifyAll();
  mutex.unlock();
}

void Lane::Pool::ReleaseHeldBack(SteadyTime now) {
  while (!held_back.empty() && (stopping || held_back.begin()->first <= now)) {
    const std::uint64_t id = held_back.begin()->second;
    held_back.erase(held_back.begin());
    MakeReady(id, lanes.at(id));
  }
}

void Lane::Pool::FireTimers(SteadyTime now) {
  while (!timers.empty() && timers.top().due <= now) {
    const Timer timer = timers.top();
    timers.pop();
    State* const lane = Open(timer.lane);
    if (lane == nullptr) continue;
    lane->tasks.push_back(std::move(*timer.task));
    Activate(timer.lane, *lane);
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
    if (lane.hot) --hot_running;
    ++stuck;
    --workers;
    try {
      StartWorker();
    } catch (const std::system_error& error) {
      LogWarning("a stuck lane is not replaced", {{log_keys::kError, error.what()}});
    }
    settled.NotifyAll();
  }
  return next;
}

void Lane::Pool::Watch() {
  MutexLock lock(mutex);
  while (!stopping) {
    const SteadyTime now = std::chrono::steady_clock::now();
    FireTimers(now);
    ReleaseHeldBack(now);
    next_look = SetStuckAside(now);
    if (!timers.empty()) next_look = std::min(next_look, timers.top().due);
    if (!held_back.empty()) next_look = std::min(next_look, held_back.begin()->first);
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
    pool_->Erase(id_);
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
  pool_->Activate(lane_, *lane);
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

bool Lane::held_back() const {
  MutexLock lock(pool_->mutex);
  return pool_->lanes.at(id_).held_back;
}

LaneBudget::Limits LanePool::BudgetOfNode() {
  LaneBudget::Limits limits;
  limits.of_all_hot = std::min(0.1 * std::max(std::thread::hardware_concurrency(), 1U), 0.5);
  return limits;
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
    pool_->ReleaseHeldBack(std::chrono::steady_clock::now());
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

std::unique_ptr<Lane> LanePool::NewLane(const std::string& owner) {
  MutexLock lock(pool_->mutex);
  const std::uint64_t id = pool_->next_lane++;
  // No owner's name begins with a slash.
  pool_->lanes[id].account = &pool_->budget.Join(owner.empty() ? "/" + std::to_string(id) : owner,
                                                 std::chrono::steady_clock::now());
  return std::unique_ptr<Lane>(new Lane(pool_, id));
}

int LanePool::stuck() const {
  MutexLock lock(pool_->mutex);
  return pool_->stuck;
}

}  // namespace downwardfs
