// SPDX-License-Identifier: Apache-2.0
// The bytes of a message (holder_protocol.h) before anybody knows what they mean: a kind, some
// numbers, a text, and descriptors beside them. On the wire: kind, count of the numbers, length of
// the text (4 bytes each), the numbers (8 bytes each), the text; all in the machine's byte order,
// since both ends run on one machine. The codec's alone. Plain data; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/owned_fd.h"

namespace downwardfs {

struct Frame {
  enum class Kind : std::uint32_t {
    kHello = 1,
    kAttach,  // on a publisher's control socket: message::ConnectDaemon
    kMountNow,
    kMounted,
    kRefused,
    kReady,
    kServing,
    kAlive,
    kDetached,  // on a publisher's control socket: message::DropView
    kStop,
    kVolume,
    kSockets,
    kSynced,
    kMountVolume,
    kUnmountVolume,
    kStartPublisher,
    kFindPodDirectory,
    kDone,
  };
  static constexpr std::size_t kMaxNumbers = 32;
  static constexpr std::size_t kMaxText = 16384;
  /// No packet is longer.
  static constexpr std::size_t kMaxBytes =
      3 * sizeof(std::uint32_t) + kMaxNumbers * sizeof(std::uint64_t) + kMaxText;

  Kind kind = Kind::kAlive;
  std::vector<std::uint64_t> numbers;
  std::string text;
};

/// With the descriptors as they came.
struct ReceivedFrame : Frame {
  std::vector<OwnedFd> fds;
};

/// With the descriptors of the message that it was made of, which outlives it.
struct SentFrame : Frame {
  std::vector<int> fds;
};

std::string FrameBytes(const Frame& frame);
/// Nothing where the bytes are no frame: an unknown kind, or other counts than there are bytes.
std::optional<Frame> ParseFrame(std::string_view bytes);

}  // namespace downwardfs
