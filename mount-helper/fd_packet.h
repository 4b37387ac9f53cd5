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

/// Receives one of at most `limit` bytes and `room` fds. kCancelled at the end of the connection,
/// or for a packet without bytes, which looks the same; kUnavailable if no packet is there and the
/// socket does not block; kInvalidArgument for one that is longer or has more fds: they are left
/// open (Abandon), for nobody knows what they are. Without room a packet with fds stays in the
/// queue: if the kernel dropped them for us, we would be the one who closes them.
Result<FdPacket> ReceivePacket(int channel, std::size_t limit, std::size_t room = kMaxPacketFds);

/// True if the next packet, which stays where it is, has fds. False also if no packet waits.
bool NextHasFds(int channel);

/// Shuts a connection down and throws away what lies in its queue. False if that has fds: whoever
/// closes the connection then closes them (received_fd.h).
bool DrainsBare(int channel);

/// Leaves them open until the process ends. To close a descriptor of another's file system may wait
/// for that file system for ever (received_fd.h); the connection that it came over is given up, so
/// that no more come.
void Abandon(std::vector<OwnedFd>& fds);

}  // namespace downwardfs
