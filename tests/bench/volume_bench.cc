// SPDX-License-Identifier: Apache-2.0
//
// The kernel side in figures: reads against tmpfs, time from an update to its event, and how both
// grow with the number of volumes in one process. Needs root and /dev/fuse.
//
//     volume_bench [VOLUMES]        up to 1000, the default
#include <cstdio>
#include <cstdlib>

#include "tests/bench/private_mounts.h"
#include "tests/bench/read_cost.h"
#include "tests/bench/update_cost.h"
#include "tests/bench/volume_server.h"

int main(int argc, char** argv) {
  using namespace downwardfs::bench;
  const int volumes = argc > 1 ? std::atoi(argv[1]) : kMaxVolumes;
  if (volumes < 1 || volumes > kMaxVolumes) {
    std::fprintf(stderr, "usage: volume_bench [VOLUMES]: 1 to %d\n", kMaxVolumes);
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string base = EnterPrivateMounts();
  // A process each, so that the memory of one part does not count in the other.
  MeasureReads(*VolumeServer::Start(base), base);
  MeasureUpdates(*VolumeServer::Start(base), volumes);
  return 0;
}
