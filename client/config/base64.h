// SPDX-License-Identifier: Apache-2.0
// Base64 as kubeconfigs use it: the standard alphabet with padding; line breaks are skipped. Any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace downwardfs::client {

/// The bytes; nothing if `text` is not base64 (it may be a key: errors must not print it).
std::optional<std::string> DecodeBase64(std::string_view text);

std::string EncodeBase64(std::string_view bytes);

}  // namespace downwardfs::client
