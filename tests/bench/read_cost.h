// SPDX-License-Identifier: Apache-2.0
// The cost of reading a volume, against the same files on tmpfs, and against the same daemon with
// the kernel's caches off. One thread.
#pragma once

#include <string>

#include "tests/bench/volume_server.h"

namespace downwardfs::bench {

/// Prints the rows of the warm and the cold accesses. Uses the volumes 0 to 600 of the server, and
/// unmounts them.
void MeasureReads(VolumeServer& server, const std::string& base);

}  // namespace downwardfs::bench
