// SPDX-License-Identifier: Apache-2.0
//
// The files that vary with time, as they were shown last: the pods.txt of namespaces, and ..status.
// A table of 10,000 pods takes a tenth of a second to make, and one `cat` asks for it more than
// once, so each is kept for a second, the resolution of its ages, unless a pod of the namespace
// changes. Even then it is kept for a moment: `cp` and `tar` look at a file before they open it,
// and refuse one that has become another meanwhile. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"

namespace downwardfs {

class TableCache {
 public:
  using Text = std::shared_ptr<const std::string>;

  /// Null if there is no text, or it is too old for that state of the objects.
  Text Get(const std::string& path, std::uint64_t generation, Clock::SteadyTime now) const
      EXCLUDES(mutex_);
  /// Gives what is shown from now on: the text of another caller where that was sooner.
  Text Put(std::string path, std::uint64_t generation, Clock::SteadyTime now, Text text)
      EXCLUDES(mutex_);

 private:
  static constexpr std::size_t kTables = 8;
  static constexpr std::chrono::milliseconds kLife{1000};
  static constexpr std::chrono::milliseconds kLifeOfAnyState{250};

  struct Table {
    std::string path;
    std::uint64_t generation = 0;
    Clock::SteadyTime made;
    Text text;
  };
  Text Find(const std::string& path, std::uint64_t generation, Clock::SteadyTime now) const
      REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::vector<Table> tables_ GUARDED_BY(mutex_);  // the oldest first
};

}  // namespace downwardfs
