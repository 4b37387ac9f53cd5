// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/holder_frame.h"

#include <cstring>

namespace downwardfs {
namespace {

struct Fixed {
  std::uint32_t kind;
  std::uint32_t numbers;
  std::uint32_t text;
};

bool IsKind(std::uint32_t kind) {
  return kind >= static_cast<std::uint32_t>(Frame::Kind::kHello) &&
         kind <= static_cast<std::uint32_t>(Frame::Kind::kDone);
}

}  // namespace

std::string FrameBytes(const Frame& frame) {
  const Fixed fixed = {static_cast<std::uint32_t>(frame.kind),
                       static_cast<std::uint32_t>(frame.numbers.size()),
                       static_cast<std::uint32_t>(frame.text.size())};
  std::string bytes(reinterpret_cast<const char*>(&fixed), sizeof fixed);
  for (const std::uint64_t number : frame.numbers) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  return bytes + frame.text;
}

std::optional<Frame> ParseFrame(std::string_view bytes) {
  Fixed fixed = {};
  if (bytes.size() < sizeof fixed) return std::nullopt;
  std::memcpy(&fixed, bytes.data(), sizeof fixed);
  bytes.remove_prefix(sizeof fixed);
  if (!IsKind(fixed.kind)) return std::nullopt;
  if (fixed.numbers > Frame::kMaxNumbers || fixed.text > Frame::kMaxText) return std::nullopt;
  if (bytes.size() != fixed.numbers * sizeof(std::uint64_t) + fixed.text) return std::nullopt;
  Frame frame;
  frame.kind = static_cast<Frame::Kind>(fixed.kind);
  frame.numbers.resize(fixed.numbers);
  const std::size_t size = fixed.numbers * sizeof(std::uint64_t);
  if (size > 0) std::memcpy(frame.numbers.data(), bytes.data(), size);
  frame.text = bytes.substr(size);
  return frame;
}

}  // namespace downwardfs
