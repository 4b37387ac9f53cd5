// SPDX-License-Identifier: Apache-2.0
// Times as the API writes them: RFC 3339. Any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace downwardfs::client {

/// "2026-11-22T13:53:32Z", with fractions and with an offset too; nothing if it is something else.
/// Beyond what the clock can count: its first or last second.
std::optional<std::chrono::system_clock::time_point> ParseRfc3339(std::string_view text);

}  // namespace downwardfs::client
