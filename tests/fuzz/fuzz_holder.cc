// SPDX-License-Identifier: Apache-2.0
// What the holder and the publisher's process read from a daemon that they do not trust: whatever
// is taken for a message or a call is written again as it was read.
#include <cstdlib>
#include <string>
#include <string_view>

#include "mount-helper/holder_protocol.h"
#include "mount-helper/tree_call.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto message = downwardfs::DecodeMessage(bytes)) {
    if (downwardfs::EncodeMessage(*message) != bytes) std::abort();
  }
  if (auto call = downwardfs::DecodeTreeCall(bytes)) {
    // Of the mode only the permission bits are taken.
    const auto again = downwardfs::DecodeTreeCall(downwardfs::EncodeTreeCall(*call));
    if (!again || again->path != call->path || again->other != call->other) std::abort();
    if (!call->path.empty() && call->path[0] == '/') std::abort();
  }
  return 0;
}
