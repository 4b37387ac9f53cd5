// SPDX-License-Identifier: Apache-2.0
// Go's strconv.Quote, which the kubelet uses for label and annotation values. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace downwardfs {

/// `bytes` in double quotes: \a \b \f \n \r \t \v \\ \", other runes that are not printable as
/// \x.. (below 0x80), \u.... or \U........, bytes that are not UTF-8 as \x..; printable runes
/// (letters, marks, numbers, punctuation, symbols, the ASCII space; Unicode 15) stay.
std::string GoQuote(std::string_view bytes);

}  // namespace downwardfs
