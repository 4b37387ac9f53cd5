// SPDX-License-Identifier: Apache-2.0
// Bytes that a holder, a supervisor, a mounter and the publisher's process read from a process that
// they do not trust. A message that is accepted is said again in the same bytes, with every number
// of descriptors beside it; a call that is accepted stays inside the volume.
#include <fcntl.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "mount-helper/fd_packet.h"
#include "mount-helper/holder_codec.h"
#include "mount-helper/tree_call.h"
#include "mount-helper/volume_data.h"

namespace downwardfs {
namespace {

ReceivedFrame Received(const Frame& frame, std::size_t fds) {
  ReceivedFrame received;
  static_cast<Frame&>(received) = frame;
  for (std::size_t i = 0; i < fds; ++i) received.fds.emplace_back(open("/dev/null", O_RDONLY));
  return received;
}

// A message that was taken can be said, and what is said is taken for the same message.
template <class Decoder>
void CheckPair(const Frame& frame, std::size_t fds, const Decoder& decode) {
  const auto message = decode(Received(frame, fds));
  if (!message) return;
  const auto said = std::visit([](const auto& one) { return Encode(one); }, *message);
  if (!said || said->kind != frame.kind || said->fds.size() > fds) std::abort();
  const std::string bytes = FrameBytes(*said);
  const auto parsed = ParseFrame(bytes);
  if (!parsed) std::abort();
  const auto again = decode(Received(*parsed, said->fds.size()));
  if (!again || again->index() != message->index()) std::abort();
  const auto said_again = std::visit([](const auto& one) { return Encode(one); }, *again);
  if (!said_again || FrameBytes(*said_again) != bytes) std::abort();
}

void CheckFrame(std::string_view bytes) {
  const auto frame = ParseFrame(bytes);
  if (!frame) return;
  if (FrameBytes(*frame) != bytes) std::abort();
  for (std::size_t fds = 0; fds <= kMaxPacketFds; ++fds) {
    CheckPair(*frame, fds, [](ReceivedFrame received) { return Decode(std::move(received)); });
    CheckPair(*frame, fds, [](ReceivedFrame received) { return DecodeOrder(std::move(received)); });
  }
}

void CheckCall(std::string_view bytes) {
  const auto call = DecodeTreeCall(bytes);
  if (!call) return;
  // Of the mode only the permission bits are taken.
  const auto again = DecodeTreeCall(EncodeTreeCall(*call));
  if (!again || again->path != call->path || again->other != call->other) std::abort();
  if (!call->path.empty() && call->path[0] == '/') std::abort();
}

// The kubelet's record of a volume, beside whose place a client's request leads.
void CheckVolumeData(std::string_view bytes) {
  const auto data = ParseVolumeData(bytes);
  if (data ? data->driver.empty() || data->volume.empty() : data.error().message.empty()) {
    std::abort();
  }
}

}  // namespace
}  // namespace downwardfs

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  downwardfs::CheckFrame(bytes);
  downwardfs::CheckCall(bytes);
  downwardfs::CheckVolumeData(bytes);
  return 0;
}
