// SPDX-License-Identifier: Apache-2.0
// How a volume of the plugin is doing: in words for the kubelet, by state for the metrics. A plain
// value.
#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace downwardfs {

/// How a volume is doing. VolumeManager::Overview counts them by StateName().
struct VolumeCondition {
  enum class State {
    kCurrent,      ///< the pod's newest state is shown
    kNotFollowed,  ///< the last content stays until the pod is known again
    kFailing,      ///< the newest change is not shown
    kStale,        ///< the API server has been out of reach for long
    kStuck,        ///< somebody holds a directory, and so keeps a change from being shown
    kDetached,     ///< somebody has unmounted it
    kEnded,        ///< its FUSE session has ended
    kDead,         ///< it was mounted anew, and a container that runs has the mount before
  };
  State state = State::kCurrent;
  std::string fault;  ///< one line; empty: no fault
};

/// As the metrics spell them, in the order of State.
constexpr std::array<const char*, 8> kStateNames = {"current", "not_followed", "failing", "stale",
                                                    "stuck",   "detached",     "ended",   "dead"};
static_assert(kStateNames.size() == static_cast<std::size_t>(VolumeCondition::State::kDead) + 1);

constexpr const char* StateName(VolumeCondition::State state) {
  return kStateNames[static_cast<std::size_t>(state)];
}

}  // namespace downwardfs
