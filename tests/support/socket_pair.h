// SPDX-License-Identifier: Apache-2.0
// The two ends of a connection that carries packets and never blocks, as /dev/fuse and the channel
// of a holder are.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <utility>

#include "base/owned_fd.h"

namespace downwardfs::testing {

inline std::pair<OwnedFd, OwnedFd> SocketPair() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  return {OwnedFd(ends[0]), OwnedFd(ends[1])};
}

}  // namespace downwardfs::testing
