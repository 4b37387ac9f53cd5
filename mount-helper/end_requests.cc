// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/end_requests.h"

#include <linux/fuse.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mount-helper/handover_memory.h"

namespace downwardfs {

void EndRequests(int fd, int device) {
  const auto memory = HandoverMemory::Map(fd);
  if (!memory) return;
  for (std::uint32_t i = 0; i < kMaxSlots; ++i) {
    fuse_in_header request = {};
    std::memcpy(&request, memory->slot(i), sizeof request);
    if (request.unique == 0 || (request.unique & ~kResentBit) == memory->header().slot[i].done) {
      continue;
    }
    fuse_out_header answer = {};
    answer.len = sizeof answer;
    answer.error = -EIO;
    answer.unique = request.unique;
    if (write(device, &answer, sizeof answer) < 0) continue;
  }
}

}  // namespace downwardfs
