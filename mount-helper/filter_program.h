// SPDX-License-Identifier: Apache-2.0
// A seccomp filter under construction: an answer for each system call by its number, and for a few
// by their arguments. The first answer that fits counts. Used by mount-helper/syscall_filter.cc
// alone, on one thread.
//
// Numbers of another architecture are refused. Numbers that are newer than this program get ENOSYS:
// whoever makes such a call has another way for older kernels.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace downwardfs {

/// An argument of a call, of which the kernel takes the low 32 bits: (argument & mask) == value.
struct ArgumentIs {
  unsigned index;
  std::uint32_t mask;
  std::uint32_t value;
};
inline constexpr std::uint32_t kWhole = 0xffffffff;

class FilterProgram {
 public:
  /// `foreign`: the answer to calls of another architecture.
  explicit FilterProgram(unsigned foreign);

  /// An answer that a library expects where the kernel lacks something.
  static constexpr unsigned Errno(int error) {
    return SECCOMP_RET_ERRNO | static_cast<unsigned>(error);
  }

  void Answer(const std::vector<int>& calls, unsigned answer);
  /// If all of the conditions hold.
  void AnswerIf(int call, const std::vector<ArgumentIs>& conditions, unsigned answer);
  /// If none of them holds.
  void AnswerUnless(int call, const std::vector<ArgumentIs>& conditions, unsigned answer);
  void AnswerTheRest(unsigned answer);

  /// For all threads of the process; it needs no_new_privs. kUnavailable if the kernel has no
  /// seccomp.
  Status Install();

 private:
  void Add(unsigned code, std::uint32_t value);
  void JumpIfEqual(std::uint32_t value, std::size_t if_so, std::size_t if_not);
  void LoadNumber();
  void LoadArgument(const ArgumentIs& argument);

  std::vector<sock_filter> code_;
};

}  // namespace downwardfs
