// SPDX-License-Identifier: Apache-2.0
// The request that a serving thread is working on, for those who record what was done of it.
#pragma once

#include <cstdint>

namespace downwardfs {

struct RequestInWork {
  std::uint32_t slot = 0;    ///< of the thread (handover_memory.h)
  std::uint64_t unique = 0;  ///< the kernel's number of the request; 0: none
};

/// Of the calling thread; set by KernelSession.
inline thread_local RequestInWork request_in_work;

}  // namespace downwardfs
