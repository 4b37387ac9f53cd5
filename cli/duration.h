// SPDX-License-Identifier: Apache-2.0
// Durations as people type them and Kubernetes' tools take them: "30s", "1m30s", "500ms". Any
// thread.
#pragma once

#include <chrono>
#include <string_view>

#include "base/result.h"

namespace downwardfs {

/// Whole numbers with h, m, s or ms, at most a year in all; "0" alone needs no unit.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);

}  // namespace downwardfs
