// SPDX-License-Identifier: Apache-2.0
// The part of `downwardfs status` that every mount has, of a volume or of a cluster. Any thread.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/object_source.h"

namespace downwardfs {

/// Of a mount that one process holds and serves since `started`; a holder changes what it knows
/// better.
nlohmann::json StatusHead(const std::string& mount_point,
                          std::chrono::steady_clock::time_point started, const SourceState& source);

/// The text that a person or a script reads. Bytes that are not UTF-8 become U+FFFD.
std::string StatusText(const nlohmann::json& status);

}  // namespace downwardfs
