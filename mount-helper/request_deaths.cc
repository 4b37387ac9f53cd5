// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/request_deaths.h"

#include <cstring>

#include "mount-helper/handover_memory.h"

namespace downwardfs {
namespace {

// A request that so many daemons have died of is answered EIO.
constexpr int kPoisonDeaths = 3;

}  // namespace

void RequestDeaths::Count(int fd) {
  auto memory = HandoverMemory::Map(fd);
  if (!memory) return;
  std::map<std::uint64_t, int> now;
  for (std::uint32_t i = 0; i < kMaxSlots; ++i) {
    std::uint64_t unique = 0;
    std::memcpy(&unique, memory->slot(i) + 8, sizeof unique);  // fuse_in_header.unique
    unique &= ~kResentBit;
    HandoverSlot& slot = memory->header().slot[i];
    // One that only waits for its turn has killed nobody; nor has one that a daemon before had
    // begun with, and this one had not come to.
    const std::uint64_t working = slot.working.exchange(0);
    if (unique == 0 || unique == slot.done || unique != working) continue;
    const auto before = deaths_.find(unique);
    now[unique] = before == deaths_.end() ? 1 : before->second + 1;
  }
  // What was not begun with this time is remembered while it waits.
  for (const auto& [unique, deaths] : deaths_) now.emplace(unique, deaths);
  while (now.size() > std::size_t{4} * kMaxSlots) now.erase(now.begin());
  deaths_ = std::move(now);
}

std::vector<std::uint64_t> RequestDeaths::Poison() const {
  std::vector<std::uint64_t> poison;
  for (const auto& [unique, deaths] : deaths_) {
    if (deaths >= kPoisonDeaths) poison.push_back(unique);
  }
  return poison;
}

}  // namespace downwardfs
