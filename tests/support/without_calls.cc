// SPDX-License-Identifier: Apache-2.0
// Runs a program for which some system calls do not exist, as on an older kernel or under a filter:
//   without_calls ENOSYS|EPERM NUMBER[,NUMBER...] COMMAND...
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const unsigned answer = std::strcmp(argv[1], "EPERM") == 0 ? EPERM : ENOSYS;
  std::vector<sock_filter> filter = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  char* at = argv[2];
  while (*at != '\0') {
    const auto number = static_cast<unsigned>(std::strtoul(at, &at, 10));
    if (*at == ',') ++at;
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | answer));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    std::perror("seccomp");
    return 1;
  }
  execvp(argv[3], argv + 3);
  std::perror(argv[3]);
  return 127;
}
