// SPDX-License-Identifier: Apache-2.0
// The request that a serving thread is working on, for those who record what was done for it.
#pragma once

#include <cstdint>

namespace downwardfs {

struct RequestInWork {
  std::uint32_t slot = 0;    ///< of the thread (handover_memory.h)
  std::uint64_t unique = 0;  ///< the kernel's number of the request; 0: none
};

/// Of the calling thread; set by KernelSession.
inline thread_local RequestInWork request_in_work;

/// A file system's memory of the requests whose answers may not have reached the kernel, so that
/// another daemon can take care of them (request_recovery.h). Any thread.
class RequestMemory {
 public:
  virtual ~RequestMemory() = default;
  /// The daemon before us has dealt with this request, except perhaps for its answer.
  virtual bool WasDone(std::uint64_t unique) const = 0;
  /// The request was not answered and comes again: takes back what was counted for it, once.
  virtual void TakeBack(std::uint64_t unique) = 0;
};

}  // namespace downwardfs
