// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/init_reply.h"

#include <linux/fuse.h>

#include <cstring>

namespace downwardfs {
namespace {

// linux/fuse.h of 6.12; the high half of the flags travels in flags2.
constexpr std::uint64_t kAllowIdmap = std::uint64_t{1} << 40;
constexpr std::uint64_t kDirectIoAllowMmap = std::uint64_t{1} << 36;
constexpr std::uint64_t kWanted = kAllowIdmap | kDirectIoAllowMmap;

constexpr std::uint64_t Flags(std::uint32_t low, std::uint32_t high) {
  return low | std::uint64_t{high} << 32;
}

}  // namespace

void InitReply::SawRequest(const void* request, std::size_t size) {
  fuse_in_header header = {};
  if (size < sizeof header) return;
  std::memcpy(&header, request, sizeof header);
  if (header.opcode != FUSE_INIT) return;
  fuse_init_in init = {};
  if (size < sizeof header + sizeof init) return;  // older than FUSE_INIT_EXT
  std::memcpy(&init, static_cast<const char*>(request) + sizeof header, sizeof init);
  if ((init.flags & FUSE_INIT_EXT) == 0) return;
  taken_ = Flags(init.flags, init.flags2) & kWanted;
  if (taken_ != 0) unique_ = header.unique;
}

void InitReply::Complete(const iovec* parts, int count) {
  if (unique_ == 0 || count != 2) return;
  fuse_out_header header = {};
  fuse_init_out init = {};
  if (parts[0].iov_len != sizeof header || parts[1].iov_len != sizeof init) return;
  std::memcpy(&header, parts[0].iov_base, sizeof header);
  if (header.unique != unique_ || header.error != 0) return;
  unique_ = 0;
  std::memcpy(&init, parts[1].iov_base, sizeof init);
  init.flags |= FUSE_INIT_EXT;
  init.flags2 |= static_cast<std::uint32_t>(taken_ >> 32);
  std::memcpy(parts[1].iov_base, &init, sizeof init);
  allows_idmap_ = (taken_ & kAllowIdmap) != 0;
}

}  // namespace downwardfs
