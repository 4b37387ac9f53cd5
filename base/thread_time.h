// SPDX-License-Identifier: Apache-2.0
//
// The processor time that a thread has used, for budgets of those who share threads. Any thread.
#pragma once

#include <time.h>

#include <chrono>

namespace downwardfs {

/// Of the calling thread since it began (clock_gettime(2), CLOCK_THREAD_CPUTIME_ID).
inline std::chrono::duration<double> TimeOfThisThread() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace downwardfs
