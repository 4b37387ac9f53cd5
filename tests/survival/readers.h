// SPDX-License-Identifier: Apache-2.0
// Readers of every kind that hammer a mount and check each answer. Every system call that fails and
// every byte that is wrong is a failure with a text. Each kind runs on a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/owned_fd.h"
#include "tests/support/numbered_pod.h"

namespace downwardfs::testing {

/// The sum of what all readers have seen.
class ReaderReport {
 public:
  void CountCalls(long calls, std::chrono::nanoseconds longest) EXCLUDES(mutex_);
  void Fail(const std::string& what) EXCLUDES(mutex_);

  long calls() const { return calls_; }
  long failures() const { return failures_; }
  double longest_ms() const { return static_cast<double>(longest_ns_) / 1e6; }
  std::string first_failures() const EXCLUDES(mutex_);

 private:
  std::atomic<long> calls_{0};
  std::atomic<long> failures_{0};
  std::atomic<long> longest_ns_{0};
  mutable Mutex mutex_;
  std::vector<std::string> texts_ GUARDED_BY(mutex_);
};

/// Starts them all; they run until the object goes.
class Readers {
 public:
  /// `live`: the mount has the live layout, whose files change one after the other.
  Readers(std::string mount, bool live, ReaderReport& report);
  ~Readers();

  /// The highest number that a reader has seen in the file `a`.
  int newest() const { return newest_; }
  /// The number that was in `a` when inotify last said that `..data` had moved, or `a` had changed.
  int newest_by_event() const { return newest_by_event_; }

 private:
  using Round = void (Readers::*)();
  void Run(Round round);
  void Cached();
  void Direct();
  void Mapped();
  void HeldDirectory();
  void Listing();
  void Stats();
  void Watch();
  void SlowReader(int data);
  OwnedFd OpenData();

  std::string ReadAll(int directory, const std::string& path, int flags);
  void Check(const std::string& a, const std::string& b);
  void Fail(const std::string& call);

  const std::string mount_;
  const bool live_;
  const OwnedFd inotify_;  // on the root, before anything changes
  ReaderReport& report_;
  std::atomic<bool> stop_{false};
  std::atomic<int> newest_{0};
  std::atomic<int> newest_by_event_{0};
  std::vector<std::thread> threads_;
};

}  // namespace downwardfs::testing
