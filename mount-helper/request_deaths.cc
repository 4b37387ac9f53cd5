// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/request_deaths.h"

#include <cstring>

#include "mount-helper/handover_memory.h"

namespace downwardfs {
namespace {

// A request that so many daemons have died of is answered EIO.
constexpr int kPoisonDeaths = 3;
// A request that waits in the kernel to be sent again is in no slot for now; one that has been
// answered never comes back.
constexpr int kForgottenAfter = 8;
constexpr std::size_t kMostPoison = 16;  // of the 32 numbers that a message has (holder_frame.h)

}  // namespace

void RequestDeaths::Count(int fd) {
  auto memory = HandoverMemory::Map(fd);
  if (!memory) return;
  std::map<std::uint64_t, Known> now;
  for (std::uint32_t i = 0; i < kMaxSlots; ++i) {
    std::uint64_t unique = 0;
    std::memcpy(&unique, memory->slot(i) + 8, sizeof unique);  // fuse_in_header.unique
    unique &= ~kResentBit;
    HandoverSlot& slot = memory->header().slot[i];
    const std::uint64_t working = slot.working.exchange(0);
    if (unique == 0 || unique == slot.done) continue;
    const auto before = deaths_.find(unique);
    const int deaths = before == deaths_.end() ? 0 : before->second.deaths;
    // A request that only waits for its turn has killed no daemon. Neither has one that an earlier
    // daemon had begun with and this one had not reached.
    if (unique == working) {
      now[unique] = {deaths + 1, 0};
    } else if (deaths > 0) {
      now[unique] = {deaths, 0};
    }
  }
  // A request that was not begun with this time is remembered as long as it may be waiting.
  for (const auto& [unique, known] : deaths_) {
    if (known.absent < kForgottenAfter) now.insert({unique, {known.deaths, known.absent + 1}});
  }
  while (now.size() > std::size_t{4} * kMaxSlots) now.erase(now.begin());
  deaths_ = std::move(now);
}

std::vector<std::uint64_t> RequestDeaths::Poison() const {
  std::vector<std::uint64_t> poison;
  for (auto known = deaths_.rbegin(); known != deaths_.rend(); ++known) {
    if (poison.size() < kMostPoison && known->second.deaths >= kPoisonDeaths) {
      poison.push_back(known->first);
    }
  }
  return poison;
}

}  // namespace downwardfs
