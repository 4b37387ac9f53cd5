// SPDX-License-Identifier: Apache-2.0
//
// How many publishes may be under way in the node plugin, and how large the attributes of these may
// be together. A publish waits up to 20 s for its pod, with its thread and its attributes, which
// take ten times their text when they are parsed. The kubelet makes the calls of all pods at once,
// so without a limit the pods of a node could make the daemon hold gigabytes. Any thread; the room
// outlives its seats.
#pragma once

#include <cstddef>
#include <optional>

#include "base/mutex.h"
#include "base/result.h"

namespace downwardfs {

class CallRoom {
 public:
  struct Limits {
    std::size_t calls = 1024;
    std::size_t bytes = std::size_t{4} << 20;  ///< 64 volumes with the longest attributes
  };

  CallRoom() : CallRoom(Limits{}) {}
  explicit CallRoom(Limits limits) : limits_(limits) {}

  /// The room that one call takes; given back when it is destroyed.
  class Seat {
   public:
    Seat(CallRoom& room, std::size_t bytes) : room_(&room), bytes_(bytes) {}
    Seat(Seat&& other) noexcept;
    ~Seat();
    Seat& operator=(Seat&&) = delete;
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

   private:
    CallRoom* room_;
    const std::size_t bytes_;
  };

  /// For a call with attributes of `bytes`. kResourceExhausted names the limit; the caller asks
  /// again later.
  Result<Seat> Enter(std::size_t bytes) EXCLUDES(mutex_);

 private:
  void Leave(std::size_t bytes) EXCLUDES(mutex_);

  const Limits limits_;
  Mutex mutex_;  // a leaf
  std::size_t calls_ GUARDED_BY(mutex_) = 0;
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace downwardfs
