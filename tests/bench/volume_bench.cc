// SPDX-License-Identifier: Apache-2.0
//
// The kernel side in figures: reads against tmpfs, time from an update to its event, and how both
// grow with the number of volumes in one process. Needs root and /dev/fuse.
//
//     volume_bench [VOLUMES [reads|updates|flips]]        up to 1000 volumes, the default; all
//     parts
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/bench/private_mounts.h"
#include "tests/bench/read_cost.h"
#include "tests/bench/update_cost.h"
#include "tests/bench/volume_server.h"

int main(int argc, char** argv) {
  using namespace downwardfs::bench;
  const int volumes = argc > 1 ? std::atoi(argv[1]) : kMaxVolumes;
  if (volumes < 1 || volumes > kMaxVolumes) {
    std::fprintf(stderr, "usage: volume_bench [VOLUMES [reads|updates|flips]], 1 to %d volumes\n",
                 kMaxVolumes);
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string base = EnterPrivateMounts();
  const std::string part = argc > 2 ? argv[2] : "all";
  const auto wanted = [&](const char* name) { return part == "all" || part == name; };
  // A process each, so that the memory of one part does not count in the other.
  if (wanted("reads")) MeasureReads(*VolumeServer::Start(base), base);
  if (wanted("updates")) MeasureUpdates(*VolumeServer::Start(base), volumes);
  if (wanted("flips")) MeasureFlips(*VolumeServer::Start(base));
  return 0;
}
