// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <utf8proc.h>

#include <algorithm>

namespace downwardfs {
namespace {

// Length of the well-formed sequence at the start of `bytes`, 0 if `bytes` do not start with one.
std::size_t SequenceLength(std::string_view bytes) {
  utf8proc_int32_t code_point = 0;
  const auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                                  static_cast<utf8proc_ssize_t>(bytes.size()), &code_point);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

void AppendEscapedByte(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += "\\x";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

std::string Escape(std::string_view text, std::string_view also_escaped) {
  std::string out;
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    const std::size_t n = byte < 0x80 ? 1 : SequenceLength(text);
    // U+0080..U+009F are control characters too: C2 80 .. C2 9F.
    const bool control = byte < 0x20 || byte == 0x7f || n == 0 ||
                         (byte == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0);
    if (control) {
      AppendEscapedByte(out, text.front());
      text.remove_prefix(1);
      continue;
    }
    if (also_escaped.find(text.front()) != std::string_view::npos) out += '\\';
    out += text.substr(0, n);
    text.remove_prefix(n);
  }
  return out;
}

}  // namespace

std::size_t FirstInvalidUtf8(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    if (static_cast<unsigned char>(bytes[i]) < 0x80) {
      ++i;
      continue;
    }
    const std::size_t n = SequenceLength(bytes.substr(i));
    if (n == 0) return i;
    i += n;
  }
  return std::string_view::npos;
}

bool IsValidUtf8(std::string_view bytes) {
  return FirstInvalidUtf8(bytes) == std::string_view::npos;
}

void AppendUtf8(std::string& out, char32_t rune) {
  const auto tail = [rune](unsigned shift) {
    return static_cast<char>(0x80 | ((rune >> shift) & 0x3f));
  };
  if (rune < 0x80) {
    out += static_cast<char>(rune);
  } else if (rune < 0x800) {
    out += static_cast<char>(0xc0 | (rune >> 6));
    out += tail(0);
  } else if (rune < 0x10000) {
    out += static_cast<char>(0xe0 | (rune >> 12));
    out += tail(6);
    out += tail(0);
  } else {
    out += static_cast<char>(0xf0 | (rune >> 18));
    out += tail(12);
    out += tail(6);
    out += tail(0);
  }
}

void ReplaceInvalidUtf8(std::string& bytes, char replacement) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const std::size_t bad = FirstInvalidUtf8(std::string_view(bytes).substr(at));
    if (bad == std::string_view::npos) return;
    at += bad;
    bytes[at] = replacement;
  }
}

std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return lower;
}

std::string QuoteForMessage(std::string_view text, std::size_t limit) {
  const bool cut = text.size() > limit;
  std::size_t end = limit;
  // Do not cut a code point in two.
  while (cut && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return '"' + Escape(cut ? text.substr(0, end) : text, "\"\\") + (cut ? "...\"" : "\"");
}

std::string Concat(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  std::string out;
  out.reserve(size);
  for (const std::string_view part : parts) out += part;
  return out;
}

std::string OneLine(std::string_view message) {
  return Escape(message, "");
}

std::string FoldLines(std::string_view prose) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::string folded;
  while (!prose.empty()) {
    const std::size_t space = std::min(prose.find_first_of(kSpace), prose.size());
    folded += prose.substr(0, space);
    prose.remove_prefix(space);
    const std::size_t next = std::min(prose.find_first_not_of(kSpace), prose.size());
    const std::string_view gap = prose.substr(0, next);
    const bool breaks = gap.find_first_of("\t\r\n") != std::string_view::npos;
    prose.remove_prefix(next);
    if (folded.empty() || prose.empty()) continue;
    folded += breaks ? std::string_view(" ") : gap;
  }
  return OneLine(folded);
}

}  // namespace downwardfs
