// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/holder_protocol.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace downwardfs {
namespace {

constexpr std::size_t kMaxNumbers = 32;
constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxFds = 4;

struct Fixed {
  std::uint32_t kind;
  std::uint32_t numbers;
  std::uint32_t text;
};

// Room for the fds of one message, aligned as the kernel wants it.
union ControlBuffer {
  cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(int) * kMaxFds)];
};

void TakeFds(msghdr& packet, Message& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&packet); part != nullptr; part = CMSG_NXTHDR(&packet, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      message.fds.emplace_back(fd);
    }
  }
}

}  // namespace

std::string EncodeMessage(const Message& message) {
  const Fixed fixed = {static_cast<std::uint32_t>(message.kind),
                       static_cast<std::uint32_t>(message.numbers.size()),
                       static_cast<std::uint32_t>(message.text.size())};
  std::string bytes(reinterpret_cast<const char*>(&fixed), sizeof fixed);
  for (const std::uint64_t number : message.numbers) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  return bytes + message.text;
}

std::optional<Message> DecodeMessage(std::string_view bytes) {
  Fixed fixed = {};
  if (bytes.size() < sizeof fixed) return std::nullopt;
  std::memcpy(&fixed, bytes.data(), sizeof fixed);
  bytes.remove_prefix(sizeof fixed);
  if (fixed.kind < static_cast<std::uint32_t>(Message::Kind::kHello) ||
      fixed.kind > static_cast<std::uint32_t>(Message::Kind::kStop)) {
    return std::nullopt;
  }
  if (fixed.numbers > kMaxNumbers || fixed.text > kMaxText) return std::nullopt;
  if (bytes.size() != fixed.numbers * sizeof(std::uint64_t) + fixed.text) return std::nullopt;
  Message message;
  message.numbers.reserve(fixed.numbers);
  message.kind = static_cast<Message::Kind>(fixed.kind);
  for (std::uint32_t i = 0; i < fixed.numbers; ++i) {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    bytes.remove_prefix(sizeof number);
    message.numbers.push_back(number);
  }
  message.text = bytes;
  return message;
}

Status SendMessage(int channel, const Message& message) {
  Message cut;
  std::string bytes = EncodeMessage(message);
  if (message.text.size() > kMaxText) {
    cut.kind = message.kind;
    cut.numbers = message.numbers;
    cut.text = message.text.substr(0, kMaxText);
    bytes = EncodeMessage(cut);
  }
  iovec part = {bytes.data(), bytes.size()};
  msghdr packet = {};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  ControlBuffer control = {};
  if (!message.fds.empty()) {
    packet.msg_control = control.bytes;
    packet.msg_controllen = CMSG_SPACE(sizeof(int) * message.fds.size());
    cmsghdr* const fds = CMSG_FIRSTHDR(&packet);
    fds->cmsg_level = SOL_SOCKET;
    fds->cmsg_type = SCM_RIGHTS;
    fds->cmsg_len = CMSG_LEN(sizeof(int) * message.fds.size());
    for (std::size_t i = 0; i < message.fds.size(); ++i) {
      const int fd = message.fds[i].get();
      std::memcpy(CMSG_DATA(fds) + i * sizeof(int), &fd, sizeof fd);
    }
  }
  if (sendmsg(channel, &packet, MSG_NOSIGNAL) < 0) {
    Error error = ErrnoError(errno, "holder channel");
    error.code = ErrorCode::kUnavailable;
    return Fail(std::move(error));
  }
  return {};
}

Result<Message> ReceiveMessage(int channel) {
  char bytes[sizeof(Fixed) + kMaxNumbers * sizeof(std::uint64_t) + kMaxText];
  iovec part = {bytes, sizeof bytes};
  ControlBuffer control = {};
  msghdr packet = {};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = control.bytes;
  packet.msg_controllen = sizeof control.bytes;
  ssize_t n = 0;
  do {
    n = recvmsg(channel, &packet, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    return Fail(ErrorCode::kUnavailable, "holder channel: nothing there");
  }
  if (n < 0 && errno != ECONNRESET) return Fail(ErrnoError(errno, "holder channel"));
  if (n <= 0) return Fail(ErrorCode::kCancelled, "holder channel: closed by the other end");
  Message received;  // owns the fds, whatever comes of the rest
  TakeFds(packet, received);
  auto message = DecodeMessage({bytes, static_cast<std::size_t>(n)});
  if (!message || (packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return Fail(ErrorCode::kInvalidArgument, "holder channel: not a message");
  }
  message->fds = std::move(received.fds);
  return std::move(*message);
}

}  // namespace downwardfs
