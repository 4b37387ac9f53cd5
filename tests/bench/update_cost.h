// SPDX-License-Identifier: Apache-2.0
// What updates cost, and how that grows with the number of volumes in the process: time from
// Publish() to the event at a reader, updates per second, memory, time to mount. One thread.
#pragma once

#include "tests/bench/volume_server.h"

namespace downwardfs::bench {

/// Prints the rows. Uses up to `volumes` volumes of the server.
void MeasureUpdates(VolumeServer& server, int volumes);

}  // namespace downwardfs::bench
