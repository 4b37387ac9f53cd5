// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/message_channel.h"

#include <cerrno>
#include <utility>

#include "mount-helper/fd_packet.h"

namespace downwardfs {
namespace {

Result<ReceivedFrame> ReceiveFrame(int channel) {
  auto packet = ReceivePacket(channel, Frame::kMaxBytes);
  if (!packet) return Fail(std::move(packet.error()));
  auto frame = ParseFrame(packet->bytes);
  if (!frame) return Fail(ErrorCode::kInvalidArgument, "holder channel: not a message");
  return ReceivedFrame{std::move(*frame), std::move(packet->fds)};
}

}  // namespace

Status SendFrame(int channel, const SentFrame& frame, std::chrono::milliseconds patience) {
  if (SendPacket(channel, FrameBytes(frame), frame.fds, patience)) return {};
  Error error = ErrnoError(errno, "holder channel");
  error.code = ErrorCode::kUnavailable;
  return Fail(std::move(error));
}

Result<HolderMessage> ReceiveMessage(int channel) {
  auto frame = ReceiveFrame(channel);
  if (!frame) return Fail(std::move(frame.error()));
  return Decode(std::move(*frame));
}

Result<PublisherOrder> ReceiveOrder(int channel) {
  auto frame = ReceiveFrame(channel);
  if (!frame) return Fail(std::move(frame.error()));
  return DecodeOrder(std::move(*frame));
}

}  // namespace downwardfs
