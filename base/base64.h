// SPDX-License-Identifier: Apache-2.0
// Base64 with the standard alphabet and padding (RFC 4648, section 4). Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace downwardfs {

std::string Base64Encode(std::string_view bytes);

/// The bytes, or nothing if `text` is not base64 (it may be a secret: errors must not print it).
/// Line breaks are skipped, as Go's decoder does.
std::optional<std::string> Base64Decode(std::string_view text);

}  // namespace downwardfs
