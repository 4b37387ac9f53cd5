// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/holder_protocol.h"

#include <cerrno>
#include <cstring>

#include "mount-helper/fd_packet.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMaxNumbers = 32;
constexpr std::size_t kMaxText = 16384;

struct Fixed {
  std::uint32_t kind;
  std::uint32_t numbers;
  std::uint32_t text;
};
constexpr std::size_t kMaxMessage = sizeof(Fixed) + kMaxNumbers * sizeof(std::uint64_t) + kMaxText;

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
      fixed.kind > static_cast<std::uint32_t>(Message::Kind::kDone)) {
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

Status SendMessage(int channel, const Message& message, std::chrono::milliseconds patience) {
  Message cut;
  std::string bytes = EncodeMessage(message);
  if (message.text.size() > kMaxText) {
    cut.kind = message.kind;
    cut.numbers = message.numbers;
    cut.text = message.text.substr(0, kMaxText);
    bytes = EncodeMessage(cut);
  }
  std::vector<int> fds;
  fds.reserve(message.fds.size());
  for (const OwnedFd& fd : message.fds) fds.push_back(fd.get());
  if (SendPacket(channel, bytes, fds, patience)) return {};
  Error error = ErrnoError(errno, "holder channel");
  error.code = ErrorCode::kUnavailable;
  return Fail(std::move(error));
}

Result<Message> ReceiveMessage(int channel) {
  auto packet = ReceivePacket(channel, kMaxMessage);
  if (!packet) return Fail(std::move(packet.error()));
  auto message = DecodeMessage(packet->bytes);
  if (!message) return Fail(ErrorCode::kInvalidArgument, "holder channel: not a message");
  message->fds = std::move(packet->fds);
  return std::move(*message);
}

std::string JoinFields(const std::vector<std::string_view>& fields) {
  std::string text;
  for (const std::string_view field : fields) {
    text += field;
    text += '\0';
  }
  return text;
}

std::vector<std::string> SplitFields(std::string_view text) {
  std::vector<std::string> fields;
  while (!text.empty()) {
    const auto end = text.find('\0');
    fields.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return fields;
}

}  // namespace downwardfs
