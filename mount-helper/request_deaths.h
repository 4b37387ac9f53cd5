// SPDX-License-Identifier: Apache-2.0
// Counts of how many daemons each request was the last work: one that kills every daemon that takes
// it up must be answered EIO in the end. Owned by the holder of the mount, used on its one thread.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace downwardfs {

class RequestDeaths {
 public:
  /// A daemon has died. Looks at what it was working on; of the memory nothing is trusted: a wrong
  /// number would only have a request answered EIO.
  void Count(int memory);
  /// The requests (fuse_in_header.unique) that so many daemons have died of that it is enough; the
  /// newest where there are more than a message has room for.
  std::vector<std::uint64_t> Poison() const;
  void Clear() { deaths_.clear(); }

 private:
  struct Known {
    int deaths = 0;
    int absent = 0;  // deaths in a row at which it was in no slot: it may have been answered
  };
  std::map<std::uint64_t, Known> deaths_;
};

}  // namespace downwardfs
