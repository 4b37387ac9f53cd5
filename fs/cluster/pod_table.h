// SPDX-License-Identifier: Apache-2.0
//
// `kubectl get pods -o wide` of one namespace, as text. The columns are those that the API server's
// own printer makes (Kubernetes pkg/printers/internalversion/printers.go, printPod), laid out as
// kubectl does: left-aligned, three spaces between. Pure functions; any thread.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <vector>

namespace downwardfs {

/// NAME READY STATUS RESTARTS AGE IP NODE NOMINATED-NODE READINESS-GATES
inline constexpr std::size_t kPodColumns = 9;
using PodRow = std::array<std::string, kPodColumns>;

/// The row of a pod given as JSON; AGE is counted up to `now`.
PodRow MakePodRow(const std::string& json, std::chrono::system_clock::time_point now);

/// The table with its heading, rows in their order.
std::string FormatPodTable(const std::vector<PodRow>& rows);

/// "45s", "5m10s", "3h", "2d4h", "400d": a duration as kubectl shows an age.
std::string HumanDuration(std::chrono::seconds duration);

}  // namespace downwardfs
