// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#include <malloc.h>

#include <atomic>
#include <cstddef>

namespace downwardfs {
namespace {

constexpr std::size_t kWorthIt = std::size_t{4} << 20;

}  // namespace

void ReturnFreedMemory() {
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // Memory that was returned counts as free until it is used again, so the growth since is the
  // measure.
  static std::atomic<std::size_t> returned{0};
  const std::size_t free = mallinfo2().fordblks;
  const std::size_t before = returned;
  const bool worth_it = free > before + kWorthIt;
  if (worth_it) malloc_trim(0);
  if (worth_it || free < before) returned = free;
#endif
}

void LimitMemoryPools(int most) {
#if defined(__GLIBC__)
  mallopt(M_ARENA_MAX, most);
#else
  static_cast<void>(most);
#endif
}

}  // namespace downwardfs
