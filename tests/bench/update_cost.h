// SPDX-License-Identifier: Apache-2.0
// The cost of updates, and how it grows with the number of volumes in the process: time from
// Publish() to the event at a reader, updates per second, memory, time to mount. One thread.
#pragma once

#include "tests/bench/volume_server.h"

namespace downwardfs::bench {

/// Prints the rows of latency and growth. Uses up to `volumes` volumes of the server, none of them
/// afterwards.
void MeasureUpdates(VolumeServer& server, int volumes);

/// Prints how many updates of one volume are shown in a second.
void MeasureFlips(VolumeServer& server);

}  // namespace downwardfs::bench
