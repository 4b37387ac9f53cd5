// SPDX-License-Identifier: Apache-2.0
// Times as the API writes them: RFC 3339. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace downwardfs {

/// "2026-11-22T13:53:32Z", with fractions and with an offset too; nothing if it is something else.
/// Beyond what the clock can count: its first or last second.
std::optional<std::chrono::system_clock::time_point> ParseRfc3339(std::string_view text);

/// The same as seconds since 1970; 0 if it is something else.
std::int64_t Rfc3339Seconds(std::string_view text);

}  // namespace downwardfs
