// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/kernel_features.h"

namespace downwardfs {

std::string DescribeShortfall(std::uint64_t offered, const std::string& release, bool live) {
  std::string lost;
  if ((offered & kAllowIdmap) == 0) {
    lost =
        "containers in a user namespace of their own (hostUsers: false) cannot have this mount, "
        "which takes id-mapped FUSE mounts (Linux 6.12)";
  }
  if (live && (offered & kDirectIoAllowMmap) == 0) {
    lost += (lost.empty() ? "" : "; ") +
            std::string(
                "mmap(MAP_SHARED) of a live file fails with ENODEV, MAP_PRIVATE works "
                "(Linux 6.6)");
  }
  return lost.empty() ? "" : "the kernel " + release + " falls short: " + lost;
}

}  // namespace downwardfs
