// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/message_channel.h"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "mount-helper/fd_packet.h"

namespace downwardfs {
namespace {

tl::unexpected<Error> NoMessage() {
  return Fail(ErrorCode::kInvalidArgument, "holder channel: not a message");
}

Result<ReceivedFrame> FrameOf(Result<FdPacket> packet) {
  if (!packet) return Fail(std::move(packet.error()));
  auto frame = ParseFrame(packet->bytes);
  if (!frame) return NoMessage();
  return ReceivedFrame{std::move(*frame), std::move(packet->fds)};
}

// In the child of the gate. Descriptors that are not asked for stay with it, open: a socket may
// have others in its queue.
bool FitsMessage(FdPacket& packet, const std::vector<Frame::Kind>& kinds) {
  const auto frame = ParseFrame(packet.bytes);
  if (!frame || std::find(kinds.begin(), kinds.end(), frame->kind) == kinds.end()) return false;
  const auto wanted = DescriptorsOf(*frame);
  if (!DescriptorsFit(wanted, packet.fds)) return false;
  for (; packet.fds.size() > wanted.size(); packet.fds.pop_back()) {
    static_cast<void>(packet.fds.back().Release());
  }
  return true;
}

bool FitsClients(FdPacket& packet) {
  return FitsMessage(packet,
                     {Frame::Kind::kVolume, Frame::Kind::kSockets, Frame::Kind::kMountVolume});
}

bool FitsDaemons(FdPacket& packet) {
  return FitsMessage(packet, {Frame::Kind::kMountVolume});
}

Result<ReceivedFrame> ReceiveFrame(int channel, bool order) {
  auto packet = ReceivePacket(channel, Frame::kMaxBytes);
  if (packet) {
    const auto frame = ParseFrame(packet->bytes);
    const auto kinds =
        !frame ? std::vector<FdKind>() : (order ? OrderDescriptors() : DescriptorsOf(*frame));
    if (!frame || !DescriptorsFit(kinds, packet->fds)) {
      Abandon(packet->fds);
      return NoMessage();
    }
  }
  return FrameOf(std::move(packet));
}

Result<HolderMessage> MessageOf(Result<ReceivedFrame> frame) {
  if (!frame) return Fail(std::move(frame.error()));
  return Decode(std::move(*frame));
}

}  // namespace

Status SendFrame(int channel, const SentFrame& frame, std::chrono::milliseconds patience) {
  if (SendPacket(channel, FrameBytes(frame), frame.fds, patience)) return {};
  Error error = ErrnoError(errno, "holder channel");
  error.code = ErrorCode::kUnavailable;
  return Fail(std::move(error));
}

Result<HolderMessage> ReceiveMessage(int channel) {
  return MessageOf(ReceiveFrame(channel, /*order=*/false));
}

Result<HolderMessage> ReceiveMessage(int channel, DescriptorGate& gate, LesserPeer peer) {
  const auto check = peer == LesserPeer::kClient ? FitsClients : FitsDaemons;
  return MessageOf(FrameOf(gate.Receive(channel, Frame::kMaxBytes, check)));
}

Result<HolderMessage> ReceiveBareMessage(int channel) {
  return MessageOf(FrameOf(ReceivePacket(channel, Frame::kMaxBytes, 0)));
}

Result<PublisherOrder> ReceiveOrder(int channel) {
  auto frame = ReceiveFrame(channel, /*order=*/true);
  if (!frame) return Fail(std::move(frame.error()));
  return DecodeOrder(std::move(*frame));
}

}  // namespace downwardfs
