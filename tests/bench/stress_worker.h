// SPDX-License-Identifier: Apache-2.0
//
// The users of the volumes under stress: processes that each access volumes in one way, over and
// over, and stop with a line at the first thing that is wrong. An error is forgiven while the test
// itself unmounts that volume (SharedVolume::epoch, ::forced).
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>

#include "tests/bench/volume_server.h"

namespace downwardfs::bench {

enum class WorkerKind : int { kByPath, kHeldDirectory, kList, kMap, kStat, kWatch };
inline constexpr int kWorkerKinds = 6;
const char* NameOf(WorkerKind kind);

/// The state that a worker shows of itself, in shared memory.
struct WorkerState {
  std::atomic<std::int64_t> alive_ns{0};
  std::atomic<std::uint64_t> rounds{0};
  std::atomic<bool> failed{false};
  std::atomic<std::int64_t> seen[kMaxVolumes];  ///< of a watcher: the last number
};

/// Forks one. Volumes with an odd number have the live layout.
pid_t StartWorker(WorkerKind kind, int volumes, const VolumeServer& server, WorkerState& state);

}  // namespace downwardfs::bench
