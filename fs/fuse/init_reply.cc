// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/init_reply.h"

#include <linux/fuse.h>

#include <algorithm>
#include <cstring>

#include "fs/fuse/kernel_features.h"

namespace downwardfs {
namespace {

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
  fuse_init_in init = {};  // a kernel older than FUSE_INIT_EXT sends less of it
  std::memcpy(&init, static_cast<const char*>(request) + sizeof header,
              std::min(size - sizeof header, sizeof init));
  const bool extended = size >= sizeof header + sizeof init && (init.flags & FUSE_INIT_EXT) != 0;
  SetOffered(Flags(init.flags, extended ? init.flags2 : 0));
  if (!extended) return;
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

void InitReply::SetOffered(std::uint64_t flags) {
  MutexLock lock(mutex_);
  offered_ = flags;
  came_.NotifyAll();
}

std::optional<std::uint64_t> InitReply::AwaitOffered(
    std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  while (!offered_ && came_.WaitUntil(mutex_, deadline)) {
  }
  return offered_;
}

}  // namespace downwardfs
