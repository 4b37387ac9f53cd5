// SPDX-License-Identifier: Apache-2.0
//
// The containers that still have a mount of a volume that both sides of the plugin have lost. Such
// a mount cannot be brought back: a container has the mounts that it was started with, and gets the
// new one when it starts again. No look into the container is needed: the pod's status says since
// when each one runs. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/object_source.h"

namespace downwardfs {

/// The names of the pod's containers (init and ephemeral ones too) that mount `volume` (a name in
/// the pod's spec; empty: any) and have been running since before `mounted_anew` (Unix time,
/// seconds; the kubelet's clock is this node's). Seconds are all that a status has: a container
/// that started in that second counts as one that has the new mount.
std::vector<std::string> ContainersWithDeadMount(const Object& pod, const std::string& volume,
                                                 std::int64_t mounted_anew);

/// For people: what has happened to these containers, and what to do.
std::string DescribeDeadMount(const std::vector<std::string>& containers);

}  // namespace downwardfs
