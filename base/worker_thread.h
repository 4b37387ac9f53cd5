// SPDX-License-Identifier: Apache-2.0
// A named thread with an owner: the owner's destructor stops it and joins it.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <utility>

namespace downwardfs {

/// Runs one function on a thread of its own. The owner must make the function return before it
/// destroys the WorkerThread (set a flag, write to an eventfd): the destructor only joins.
class WorkerThread {
 public:
  WorkerThread() = default;
  /// As StartNamedThread().
  WorkerThread(const std::string& name, std::function<void()> body);
  WorkerThread(WorkerThread&&) = default;
  /// Takes over a thread; the one owned before, if any, is joined first.
  WorkerThread& operator=(WorkerThread&& other) noexcept {
    Join();
    thread_ = std::move(other.thread_);
    return *this;
  }
  ~WorkerThread() { Join(); }

  /// Waits until the function returned. Does nothing if there is no thread (any more).
  void Join();

 private:
  std::thread thread_;
};

}  // namespace downwardfs
