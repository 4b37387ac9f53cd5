// SPDX-License-Identifier: Apache-2.0
//
// A mutex that clang's -Wthread-safety can follow. std::mutex itself carries no annotations in
// libstdc++, so a member marked GUARDED_BY a bare std::mutex would not be checked.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define DOWNWARDFS_TSA(x) __attribute__((x))
#else
#define DOWNWARDFS_TSA(x)
#endif

// abseil, which gRPC brings, has macros of these names and this meaning for its own mutex.
#undef GUARDED_BY
#undef NO_THREAD_SAFETY_ANALYSIS
#define GUARDED_BY(x) DOWNWARDFS_TSA(guarded_by(x))
#define REQUIRES(...) DOWNWARDFS_TSA(requires_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS DOWNWARDFS_TSA(no_thread_safety_analysis)
#define EXCLUDES(...) DOWNWARDFS_TSA(locks_excluded(__VA_ARGS__))

namespace downwardfs {

/// std::mutex with annotations. Any thread.
class DOWNWARDFS_TSA(capability("mutex")) Mutex {
 public:
  void lock() DOWNWARDFS_TSA(acquire_capability()) { mutex_.lock(); }
  void unlock() DOWNWARDFS_TSA(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

/// Holds a Mutex for a scope.
class DOWNWARDFS_TSA(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) DOWNWARDFS_TSA(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() DOWNWARDFS_TSA(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// std::condition_variable for a Mutex. Waits return spuriously too: call them in a loop over the
/// condition, so that the analysis sees the guarded members read under the lock.
class CondVar {
 public:
  void NotifyOne() { cond_.notify_one(); }
  void NotifyAll() { cond_.notify_all(); }

  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    cond_.wait(lock);
    lock.release();
  }

  /// False when `deadline` passed before a notification.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool notified = cond_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return notified;
  }

 private:
  std::condition_variable cond_;
};

}  // namespace downwardfs
