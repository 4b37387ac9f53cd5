// SPDX-License-Identifier: Apache-2.0
// Counts, for each request, the daemons that died while they worked on it. A request that kills
// every daemon that takes it up must be answered EIO in the end. One count belongs to one handover
// memory. Owned by the keeper of the daemon, used on its one thread.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace downwardfs {

class RequestDeaths {
 public:
  /// A daemon has died. Looks at the requests that it was working on. The memory is not trusted: a
  /// wrong number in it can only make a request be answered EIO.
  void Count(int memory);
  /// The requests (fuse_in_header.unique) that three daemons have died of; the newest ones if a
  /// message has no room for all.
  std::vector<std::uint64_t> Poison() const;

 private:
  struct Known {
    int deaths = 0;
    int absent = 0;  // deaths in a row at which it was in no slot: it may have been answered
  };
  std::map<std::uint64_t, Known> deaths_;
};

}  // namespace downwardfs
