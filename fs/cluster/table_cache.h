// SPDX-License-Identifier: Apache-2.0
//
// The pods.txt of the namespaces that were asked for last. A table of 10,000 pods takes a tenth of
// a second to make, and one `cat` asks for it more than once, so each is kept for a second, the
// resolution of its ages, unless a pod of the namespace changes. Any thread.
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

  /// Null where there is none of that state of the namespace, or it is too old.
  Text Get(const std::string& ns, std::uint64_t generation, Clock::SteadyTime now) const
      EXCLUDES(mutex_);
  void Put(std::string ns, std::uint64_t generation, Clock::SteadyTime now, Text text)
      EXCLUDES(mutex_);

 private:
  static constexpr std::size_t kTables = 8;
  static constexpr std::chrono::seconds kLife{1};

  struct Table {
    std::string ns;
    std::uint64_t generation = 0;
    Clock::SteadyTime made;
    Text text;
  };
  mutable Mutex mutex_;
  std::vector<Table> tables_ GUARDED_BY(mutex_);  // the oldest first
};

}  // namespace downwardfs
