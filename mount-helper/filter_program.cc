// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/filter_program.h"

#include <linux/audit.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace downwardfs {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArch = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArch = 0;  // the order of arguments and their size may be another
#endif

// The first number after file_setattr(2) of Linux 6.17, on each architecture. x32's are above it.
constexpr std::uint32_t kFirstUnknown = 470;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low half of an argument is first");

}  // namespace

FilterProgram::FilterProgram(unsigned foreign) {
  Add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  JumpIfEqual(kArch, 1, 0);
  Add(BPF_RET | BPF_K, foreign);
  LoadNumber();
  code_.push_back({BPF_JMP | BPF_JGE | BPF_K, 0, 1, kFirstUnknown});
  Add(BPF_RET | BPF_K, Errno(ENOSYS));
}

void FilterProgram::Answer(const std::vector<int>& calls, unsigned answer) {
  for (const int call : calls) {
    JumpIfEqual(static_cast<std::uint32_t>(call), 0, 1);
    Add(BPF_RET | BPF_K, answer);
  }
}

// A load, a mask and a jump for each condition; then the answer, and the number again.
void FilterProgram::AnswerIf(int call, const std::vector<ArgumentIs>& conditions, unsigned answer) {
  JumpIfEqual(static_cast<std::uint32_t>(call), 0, 3 * conditions.size() + 2);
  for (std::size_t left = conditions.size(); left > 0; --left) {
    const ArgumentIs& condition = conditions[conditions.size() - left];
    LoadArgument(condition);
    JumpIfEqual(condition.value, 0, 3 * (left - 1) + 1);
  }
  Add(BPF_RET | BPF_K, answer);
  LoadNumber();
}

void FilterProgram::AnswerUnless(int call, const std::vector<ArgumentIs>& conditions,
                                 unsigned answer) {
  JumpIfEqual(static_cast<std::uint32_t>(call), 0, 3 * conditions.size() + 2);
  for (std::size_t left = conditions.size(); left > 0; --left) {
    const ArgumentIs& condition = conditions[conditions.size() - left];
    LoadArgument(condition);
    JumpIfEqual(condition.value, 3 * (left - 1) + 1, 0);
  }
  Add(BPF_RET | BPF_K, answer);
  LoadNumber();
}

void FilterProgram::AnswerTheRest(unsigned answer) {
  Add(BPF_RET | BPF_K, answer);
}

Status FilterProgram::Install() {
  if (kArch == 0) return Fail(ErrorCode::kUnavailable, "seccomp: no filter for this machine");
  sock_fprog program = {static_cast<unsigned short>(code_.size()), code_.data()};
  const long failed =
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
  if (failed == 0) return {};
  // Above zero it is a thread that has another filter.
  const int why = failed < 0 ? errno : EBUSY;
  return Fail(ErrorCode::kUnavailable, ErrnoError(why, "seccomp").message);
}

void FilterProgram::Add(unsigned code, std::uint32_t value) {
  code_.push_back({static_cast<unsigned short>(code), 0, 0, value});
}

// Over so many steps after the next.
void FilterProgram::JumpIfEqual(std::uint32_t value, std::size_t if_so, std::size_t if_not) {
  code_.push_back({BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned char>(if_so),
                   static_cast<unsigned char>(if_not), value});
}

void FilterProgram::LoadNumber() {
  Add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
}

void FilterProgram::LoadArgument(const ArgumentIs& argument) {
  constexpr std::size_t kSize = sizeof(std::uint64_t);
  const std::size_t at = offsetof(seccomp_data, args) + kSize * argument.index;
  Add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(at));
  Add(BPF_ALU | BPF_AND | BPF_K, argument.mask);
}

}  // namespace downwardfs
