// SPDX-License-Identifier: Apache-2.0
// One packet of a SOCK_SEQPACKET socket with file descriptors beside it (SCM_RIGHTS, unix(7)).
// Plain functions; the socket's owner says which thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

/// More descriptors than any packet of ours has.
inline constexpr std::size_t kMaxPacketFds = 4;

struct FdPacket {
  std::string bytes;
  std::vector<OwnedFd> fds;
};

/// Sends the bytes and copies of the fds; false with errno if the other end is closed, or its queue
/// stays full for so long.
bool SendPacket(int channel, std::string_view bytes, const std::vector<int>& fds,
                std::chrono::milliseconds patience = {});

/// Receives one of at most `limit` bytes. kCancelled at the end of the connection, kUnavailable
/// if no packet is there and the socket does not block, kInvalidArgument for one that is longer
/// or has more fds (they are closed).
Result<FdPacket> ReceivePacket(int channel, std::size_t limit);

}  // namespace downwardfs
