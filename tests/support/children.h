// SPDX-License-Identifier: Apache-2.0
// The processes of a mount with a holder: by their parent, and by what they have open.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "tests/support/process.h"

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

/// Whether the process has an open descriptor of this file.
inline bool HasOpen(int pid, const std::string& file) {
  std::error_code gone;
  const std::string fds = "/proc/" + std::to_string(pid) + "/fd";
  for (std::filesystem::directory_iterator at(fds, gone), end; !gone && at != end;
       at.increment(gone)) {
    std::error_code closed;
    if (std::filesystem::read_symlink(at->path(), closed) == file) return true;
  }
  return false;
}

/// 0: the holder has no publisher.
inline int PublisherOf(int holder) {
  for (const int child : ChildrenOf(holder)) {
    if (NameOf(child) == "dwfs-publisher") return child;
  }
  return 0;
}

/// The same, waited for: a list of children that is read while one ends may lack another (proc(5)).
inline int AwaitPublisherOf(int holder) {
  int publisher = 0;
  Eventually([&] { return (publisher = PublisherOf(holder)) != 0; });
  return publisher;
}

}  // namespace downwardfs::testing
