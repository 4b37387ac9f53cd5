// SPDX-License-Identifier: Apache-2.0
#include "tests/projection/unicode_since_13.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>

namespace downwardfs::testing {
namespace {

struct Rune {
  std::uint32_t code_point = 0;
  std::size_t size = 0;  // 0: none here
};

// The code point of two to four bytes at the start of well-formed text; ASCII is old.
Rune LongRune(std::string_view text) {
  const auto lead = text.empty() ? 0U : static_cast<unsigned char>(text[0]);
  Rune rune;
  if (lead >= 0xc0 && lead < 0xe0) rune = {lead & 0x1fU, 2};
  if (lead >= 0xe0 && lead < 0xf0) rune = {lead & 0x0fU, 3};
  if (lead >= 0xf0 && lead < 0xf8) rune = {lead & 0x07U, 4};
  if (text.size() < rune.size) return {};
  for (std::size_t i = 1; i < rune.size; ++i) {
    rune.code_point = rune.code_point << 6U | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  return rune;
}

std::string GoEscape(std::uint32_t code_point) {
  char escape[16];
  std::snprintf(escape, sizeof escape, code_point < 0x10000 ? "\\u%04x" : "\\U%08x", code_point);
  return escape;
}

bool IsNew(std::uint32_t code_point) {
  return std::any_of(std::begin(kPrintableSinceUnicode13), std::end(kPrintableSinceUnicode13),
                     [&](const CodePointRange& range) {
                       return code_point >= range.first && code_point <= range.last;
                     });
}

}  // namespace

bool SameButForNewCodePoints(std::string_view ours, std::string_view recorded) {
  while (!ours.empty()) {
    if (!recorded.empty() && ours.front() == recorded.front()) {
      ours.remove_prefix(1);
      recorded.remove_prefix(1);
      continue;
    }
    const Rune rune = LongRune(ours);
    if (rune.size == 0 || !IsNew(rune.code_point)) return false;
    const std::string escape = GoEscape(rune.code_point);
    if (recorded.substr(0, escape.size()) != escape) return false;
    ours.remove_prefix(rune.size);
    recorded.remove_prefix(escape.size());
  }
  return recorded.empty();
}

}  // namespace downwardfs::testing
