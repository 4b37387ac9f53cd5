// SPDX-License-Identifier: Apache-2.0
// A thread that waits for descriptors, and for one more: its owner's word that it is to end.
#pragma once

#include <functional>
#include <string>

#include "base/owned_fd.h"
#include "base/result.h"
#include "base/worker_thread.h"

namespace downwardfs {

/// A WorkerThread that its owner can ask to end. The owner's methods are for one thread at a time,
/// and not for the thread itself.
class StoppableThread {
 public:
  /// Runs `work`, which returns soon after `stop`, an eventfd that it does not read, is readable.
  /// Fails if no descriptor is left; throws as StartNamedThread().
  static Result<StoppableThread> Start(const std::string& name, std::function<void(int stop)> work);
  StoppableThread() = default;
  StoppableThread(StoppableThread&&) = default;
  StoppableThread& operator=(StoppableThread&& other) noexcept;
  ~StoppableThread() { Stop(); }

  /// Asks the thread to end, and waits until it has. Does nothing without a thread.
  void Stop();

 private:
  OwnedFd stop_;
  WorkerThread thread_;
};

/// Waits until `fd` is readable or has ended. False once `stop` is readable, or if waiting fails.
bool AwaitInput(int fd, int stop);

/// Waits until `stop` is readable, for `milliseconds` at most: false if that time has passed.
bool IsToStop(int stop, int milliseconds);

}  // namespace downwardfs
