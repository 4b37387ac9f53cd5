// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/fd_packet.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace downwardfs {
namespace {

// SCM_MAX_FD of the kernel: no packet has more.
constexpr std::size_t kMostFds = 253;
// More packets than a sender has room for as a rule, even if none has a byte (net.core.wmem_max).
constexpr int kMostQueued = 1024;

// Room for the fds of one packet, aligned as the kernel wants it.
template <std::size_t kFds>
union ControlBuffer {
  cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(int) * kFds)];
};

std::vector<OwnedFd> TakeFds(msghdr& packet) {
  std::vector<OwnedFd> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(&packet); part != nullptr; part = CMSG_NXTHDR(&packet, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

bool SendPacket(int channel, std::string_view bytes, const std::vector<int>& fds,
                std::chrono::milliseconds patience) {
  iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
  msghdr packet = {};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  ControlBuffer<kMaxPacketFds> control = {};
  if (!fds.empty()) {
    packet.msg_control = control.bytes;
    packet.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* const header = CMSG_FIRSTHDR(&packet);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
  }
  for (;;) {
    if (sendmsg(channel, &packet, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return true;
    if (errno == EINTR) continue;
    if (errno != EAGAIN || patience.count() == 0) return false;
    pollfd room = {channel, POLLOUT, 0};
    if (poll(&room, 1, static_cast<int>(patience.count())) == 0) {
      errno = EAGAIN;
      return false;
    }
  }
}

void Abandon(std::vector<OwnedFd>& fds) {
  for (OwnedFd& fd : fds) static_cast<void>(fd.Release());
  fds.clear();
}

bool NextHasFds(int channel) {
  char byte = 0;
  iovec part = {&byte, 1};
  msghdr packet = {};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  ssize_t n = 0;
  do {
    n = recvmsg(channel, &packet, MSG_PEEK);
  } while (n < 0 && errno == EINTR);
  return n >= 0 && (packet.msg_flags & MSG_CTRUNC) != 0;
}

// At the end of the queue a read gives 0, and so does a packet without bytes.
bool DrainsBare(int channel) {
  shutdown(channel, SHUT_RDWR);
  for (int i = 0; i < kMostQueued; ++i) {
    if (NextHasFds(channel)) return false;
    char byte = 0;
    const ssize_t n = recv(channel, &byte, 1, MSG_DONTWAIT);
    if (n < 0 && errno != EINTR && errno != ECONNRESET) break;
  }
  return true;
}

Result<FdPacket> ReceivePacket(int channel, std::size_t limit, std::size_t room) {
  if (room == 0 && NextHasFds(channel)) {
    return Fail(ErrorCode::kInvalidArgument, "holder channel: not a message");
  }
  FdPacket received;
  received.bytes.resize(limit);
  iovec part = {received.bytes.data(), limit};
  // Also for those that are too many: the kernel drops none of them for us.
  ControlBuffer<kMostFds> control = {};
  msghdr packet = {};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = room > 0 ? control.bytes : nullptr;
  packet.msg_controllen = room > 0 ? sizeof control.bytes : 0;
  ssize_t n = 0;
  do {
    n = recvmsg(channel, &packet, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    return Fail(ErrorCode::kUnavailable, "holder channel: nothing there");
  }
  if (n < 0 && errno != ECONNRESET) return Fail(ErrnoError(errno, "holder channel"));
  if (n <= 0) return Fail(ErrorCode::kCancelled, "holder channel: closed by the other end");
  received.fds = TakeFds(packet);
  if ((packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || received.fds.size() > room) {
    Abandon(received.fds);
    return Fail(ErrorCode::kInvalidArgument, "holder channel: not a message");
  }
  received.bytes.resize(static_cast<std::size_t>(n));
  return received;
}

}  // namespace downwardfs
