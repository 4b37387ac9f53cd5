// SPDX-License-Identifier: Apache-2.0
// The running kernel's version, for tests of behaviour that came with a later one. Any thread.
#pragma once

#include <sys/utsname.h>

#include <cstdio>

namespace downwardfs::testing {

inline bool KernelIsOlderThan(int major, int minor) {
  utsname name = {};
  uname(&name);
  int has_major = 0;
  int has_minor = 0;
  if (std::sscanf(name.release, "%d.%d", &has_major, &has_minor) != 2) return false;  // NOLINT
  return has_major < major || (has_major == major && has_minor < minor);
}

}  // namespace downwardfs::testing
