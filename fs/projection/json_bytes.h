// SPDX-License-Identifier: Apache-2.0
//
// Strings of a JSON text may hold bytes that are not UTF-8, and escapes of lone surrogates. The
// kubelet's decoder takes both; nlohmann's lexer takes neither. So such a text is rewritten before
// it is parsed: a bad byte becomes U+FDD0 (a noncharacter) and two hex digits, U+FDD0 itself
// becomes U+FDD0 and `X`, and UnmarkBytes() undoes that in every string that comes out. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace downwardfs {

/// The rewritten text, or nothing where `json` can be parsed as it is. With `keep` bad bytes are
/// marked, otherwise each becomes U+FFFD. Lone surrogates become U+FFFD: with `keep` an escape that
/// follows a surrogate is consumed with it (json-iterator), else it stands for itself (Go's
/// encoding/json).
std::optional<std::string> MarkInvalidBytes(std::string_view json, bool keep);

/// A string of the parsed, rewritten text as it was meant.
std::string UnmarkBytes(std::string_view text);

}  // namespace downwardfs
