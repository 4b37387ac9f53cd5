// SPDX-License-Identifier: Apache-2.0
//
// The threads that change mounted volumes. A change of the own mount and a notification wait for a
// directory's lock, whose holder may be waiting for our answer, so neither ever happens on a thread
// that serves requests. Each volume has a lane: its tasks run one at a time, in their order, on a
// small pool of threads that all volumes share.
//
// The lanes of one owner (a pod) have an account together: with a budget, an owner that changes
// without pause is held back and leaves a thread to the others (lane_budget.h).
//
// A reader can hold a directory's lock for as long as it likes (a listing into memory that a hung
// file system backs). A lane whose task has run for a second is set aside: it says that it is
// stuck, and another thread takes its thread's place, so that it delays no other volume.
//
// One owner makes the pool and destroys it after all lanes; lanes are used by any thread. The
// pool's mutex is a leaf: no task runs under it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/worker_thread.h"
#include "fs/fuse/lane_budget.h"

namespace downwardfs {

class LanePool;

class Lane {
 public:
  using Task = std::function<void()>;
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Pool;

  /// Drops what is queued and waits for the task that runs, unless it is stuck.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Posts to the lane; what is posted after the lane has gone is dropped. May be copied.
  class Poster {
   public:
    /// Runs the task after all that were posted before it.
    void Post(Task task) const;
    /// Posts the task when `due` has come.
    void PostAt(SteadyTime due, Task task) const;

   private:
    friend class Lane;
    Poster(std::shared_ptr<Pool> pool, std::uint64_t lane) : pool_(std::move(pool)), lane_(lane) {}
    std::shared_ptr<Pool> pool_;
    std::uint64_t lane_;
  };
  Poster poster() const { return {pool_, id_}; }

  /// The task that runs has done so for too long.
  bool stuck() const;
  /// Its tasks wait because its owner has used more than its share.
  bool held_back() const;

 private:
  friend class LanePool;
  Lane(std::shared_ptr<Pool> pool, std::uint64_t id) : pool_(std::move(pool)), id_(id) {}
  const std::shared_ptr<Pool> pool_;
  const std::uint64_t id_;
};

class LanePool {
 public:
  struct Options {
    int threads = 2;  ///< that run tasks; one more watches the clock
    std::chrono::milliseconds stuck_after{1000};
    LaneBudget::Limits budget = {};  ///< by default everybody may use what there is
  };
  /// For a node: owners that change without pause use a tenth of its processors together, and at
  /// most half of one.
  static LaneBudget::Limits BudgetOfNode();

  LanePool() : LanePool(Options{}) {}
  explicit LanePool(Options options);
  /// Joins the threads. One that is stuck is left to the process's end, with a line in the log.
  ~LanePool();

  /// Lanes of the same owner share its budget; an empty name is an owner of its own.
  std::unique_ptr<Lane> NewLane(const std::string& owner = {});
  /// Lanes that are stuck now.
  int stuck() const;

 private:
  std::shared_ptr<Lane::Pool> pool_;
  WorkerThread watch_;
};

}  // namespace downwardfs
