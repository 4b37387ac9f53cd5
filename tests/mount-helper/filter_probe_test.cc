// SPDX-License-Identifier: Apache-2.0
// A process knows its own filter from that of the container that it runs in.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "mount-helper/confinement.h"
#include "mount-helper/filter_program.h"
#include "mount-helper/syscall_filter.h"

namespace downwardfs {
namespace {

// As a container runtime's: it refuses a few calls and allows the others.
bool InstallForeignFilter() {
  FilterProgram foreign(FilterProgram::Errno(EPERM));
  foreign.Answer({SYS_kexec_load, SYS_bpf}, FilterProgram::Errno(EPERM));
  foreign.AnswerTheRest(SECCOMP_RET_ALLOW);
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && foreign.Install();
}

TEST(FilterProbeTest, AContainersFilterIsNotOurs) {
  if (Confining() == ConfiningMode::kOff) GTEST_SKIP() << "nothing is confined";
  const pid_t child = fork();
  if (child == 0) {
    if (HasSystemCallFilter(ProcessRole::kHolder)) _exit(1);
    if (!InstallForeignFilter() || prctl(PR_GET_SECCOMP) != 2) _exit(2);
    if (HasSystemCallFilter(ProcessRole::kHolder)) _exit(3);
    if (!FilterSystemCalls(ProcessRole::kHolder)) _exit(4);
    if (!HasSystemCallFilter(ProcessRole::kHolder)) _exit(5);
    if (HasSystemCallFilter(ProcessRole::kMounter)) _exit(6);
    // Filters add up: the holder's child has its own beside it.
    if (!FilterSystemCalls(ProcessRole::kPublisher)) _exit(7);
    _exit(HasSystemCallFilter(ProcessRole::kPublisher) ? 0 : 8);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace downwardfs
