// SPDX-License-Identifier: Apache-2.0
// All that a peer sends until it closes or resets the connection.
#pragma once

#include <unistd.h>

#include <string>

#include "base/owned_fd.h"

namespace downwardfs::testing {

inline std::string ReadToEnd(const OwnedFd& from) {
  std::string all;
  char bytes[4096];
  for (ssize_t got = 0; (got = read(from.get(), bytes, sizeof bytes)) > 0;) {
    all.append(bytes, static_cast<std::size_t>(got));
  }
  return all;
}

}  // namespace downwardfs::testing
