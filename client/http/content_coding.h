// SPDX-License-Identifier: Apache-2.0
//
// How the bytes of an answer are encoded, by its headers (RFC 9110, 8.4; RFC 9112, 6.1). Pure; any
// thread. As Go's client, we read gzip and nothing else: another coding is refused by name, where
// Go would hand its bytes on to the JSON reader.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace downwardfs::client {

enum class ContentCoding { kIdentity, kGzip };

/// `fields`: the values of all Content-Encoding headers. kUnavailable, with the codings in the
/// message: one that is not known here, or more than one.
Result<ContentCoding> ContentCodingOf(const std::vector<std::string_view>& fields);

/// `fields`: the values of all Transfer-Encoding headers. Nothing but "chunked" is taken: Go
/// refuses all others, and libcurl would decode some of them, without a bound.
Status CheckTransferCoding(const std::vector<std::string_view>& fields);

}  // namespace downwardfs::client
