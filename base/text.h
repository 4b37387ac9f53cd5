// SPDX-License-Identifier: Apache-2.0
// Text for one-line messages, and UTF-8. Any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace downwardfs {

/// 0 to 9, and letters and digits, of ASCII, whatever the locale.
constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsAlnum(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// True if `bytes` are well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF).
bool IsValidUtf8(std::string_view bytes);

/// The offset of the first byte that is not part of well-formed UTF-8; npos if all is well.
std::size_t FirstInvalidUtf8(std::string_view bytes);

/// Appends `rune` in UTF-8; at most U+10FFFF, and not a surrogate.
void AppendUtf8(std::string& out, char32_t rune);

/// Each byte that is not part of well-formed UTF-8 becomes `replacement`.
void ReplaceInvalidUtf8(std::string& bytes, char replacement);

/// `text` in double quotes for a message: control and non-UTF-8 bytes as \xNN, and cut with "..."
/// after `limit` bytes, so that hostile input stays one short line on a terminal.
std::string QuoteForMessage(std::string_view text, std::size_t limit = 80);

/// ASCII letters in lower case; all other bytes stay.
std::string AsciiLower(std::string_view text);

/// The parts behind one another, in one allocation.
std::string Concat(std::initializer_list<std::string_view> parts);

/// `message` with control bytes replaced by \xNN: exactly one line.
std::string OneLine(std::string_view message);

/// Prose of several lines (an exec plugin's installHint, a webhook's message) as one: a line break
/// and the white space around it become one space. The rest as OneLine().
std::string FoldLines(std::string_view prose);

}  // namespace downwardfs
