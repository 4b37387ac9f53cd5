// SPDX-License-Identifier: Apache-2.0
// The processes of a mount with a holder, by their parent.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace downwardfs::testing {

inline std::vector<int> ChildrenOf(int pid) {
  const std::string task = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid);
  std::ifstream children(task + "/children");
  return {std::istream_iterator<int>(children), {}};
}

/// The name that ps(1) shows.
inline std::string NameOf(int pid) {
  std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(comm, name);
  return name;
}

/// 0: the holder has no publisher.
inline int PublisherOf(int holder) {
  for (const int child : ChildrenOf(holder)) {
    if (NameOf(child) == "dwfs-publisher") return child;
  }
  return 0;
}

}  // namespace downwardfs::testing
