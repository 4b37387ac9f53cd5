// SPDX-License-Identifier: Apache-2.0
//
// A JSON text as Kubernetes' decoder takes it, for a parser that takes less. Go's encoding/json
// reads each byte that is not UTF-8, and each escape of a lone surrogate, as U+FFFD. It hands the
// text of a Quantity on with its escapes, so `"\u0031"` is no quantity. Both are rare, so the text
// is rewritten before it is parsed: bad bytes and surrogates become U+FFFD; an escape of a
// character that a quantity can have becomes U+FDD0 (a noncharacter) and its four hex digits, and
// U+FDD0 itself becomes U+FDD0 and `X`. UnmarkEscapes() undoes the marks in every string that comes
// out. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace downwardfs {

/// The rewritten text, or nothing if `json` can be parsed as it is.
std::optional<std::string> RepairJson(std::string_view json);

/// A string of the parsed, rewritten text as it was meant; with `keep_escapes`, the marked escapes
/// as they were written (`\u0031`).
std::string UnmarkEscapes(std::string_view text, bool keep_escapes);

}  // namespace downwardfs
