// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/go_quote.h"

#include <utf8proc.h>

#include <cstdint>

namespace downwardfs {
namespace {

void AppendHex(std::string& out, std::uint32_t number, int digits) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += kHex[number >> shift & 15];
}

// unicode.IsPrint: letters, marks, numbers, punctuation, symbols; of the spaces only U+0020.
bool IsPrintableRune(utf8proc_int32_t rune) {
  if (rune < 0x80) return rune >= ' ' && rune < 0x7f;
  switch (utf8proc_category(rune)) {
    case UTF8PROC_CATEGORY_CN:  // not assigned
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
      return false;
    default:
      return true;
  }
}

void AppendUnprintable(std::string& out, utf8proc_int32_t rune) {
  switch (rune) {
    case '\a':
      out += "\\a";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\v':
      out += "\\v";
      return;
    default:
      break;
  }
  const auto number = static_cast<std::uint32_t>(rune);
  if (number < 0x80) {
    out += "\\x";
    AppendHex(out, number, 2);
  } else if (number < 0x10000) {
    out += "\\u";
    AppendHex(out, number, 4);
  } else {
    out += "\\U";
    AppendHex(out, number, 8);
  }
}

}  // namespace

std::string GoQuote(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8 + 2);
  out += '"';
  while (!bytes.empty()) {
    utf8proc_int32_t rune = 0;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                                         static_cast<utf8proc_ssize_t>(bytes.size()), &rune);
    if (length <= 0) {  // Go, too, gives up on one byte only
      out += "\\x";
      AppendHex(out, static_cast<unsigned char>(bytes[0]), 2);
      bytes.remove_prefix(1);
      continue;
    }
    const auto size = static_cast<std::size_t>(length);
    if (IsPrintableRune(rune)) {
      if (rune == '"' || rune == '\\') out += '\\';
      out += bytes.substr(0, size);
    } else {
      AppendUnprintable(out, rune);
    }
    bytes.remove_prefix(size);
  }
  out += '"';
  return out;
}

}  // namespace downwardfs
