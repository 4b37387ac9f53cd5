// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/private_mounts.h"

#include <sched.h>
#include <sys/mount.h>

#include <cstdio>
#include <cstdlib>

namespace downwardfs::bench {

std::string EnterPrivateMounts() {
  const char* at = "/mnt";
  if (unshare(CLONE_NEWNS) != 0 ||
      mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("tmpfs", at, "tmpfs", 0, nullptr) != 0) {
    std::perror("mounts of our own (run as root)");
    std::exit(1);
  }
  return at;
}

}  // namespace downwardfs::bench
