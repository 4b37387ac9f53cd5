// SPDX-License-Identifier: Apache-2.0
#include "client/wire/json_scanner.h"

#include <cstdint>
#include <cstring>

namespace downwardfs::client {
namespace {

// 1 for the bytes that mean something outside of strings. Most bytes do not: the loop over them is
// the hot one when a list of thousands of objects comes in.
constexpr std::array<std::uint8_t, 256> MakeStructural() {
  std::array<std::uint8_t, 256> table{};
  for (const char c : {'"', '{', '}', '[', ']'}) table[static_cast<unsigned char>(c)] = 1;
  return table;
}
constexpr std::array<std::uint8_t, 256> kStructural = MakeStructural();

const char* FindStructural(const char* p, const char* end) {
  while (p < end && kStructural[static_cast<unsigned char>(*p)] == 0) ++p;
  return p;
}

// Eight bytes at a time: the zero-byte trick on `word ^ pattern` for both bytes that end a plain
// run.
const char* FindQuoteOrBackslash(const char* p, const char* end) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = 0x8080808080808080U;
  while (end - p >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, sizeof word);
    const std::uint64_t quote = word ^ (kOnes * '"');
    const std::uint64_t backslash = word ^ (kOnes * '\\');
    const std::uint64_t hit =
        (((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash)) & kHighs;
    if (hit != 0) break;
    p += 8;
  }
  while (p < end && *p != '"' && *p != '\\') ++p;
  return p;
}

}  // namespace

JsonScanner::Outcome JsonScanner::Open(bool is_object) {
  if (depth_ == kMaxDepth) return Outcome::kTooDeep;
  is_object_[depth_++] = is_object;
  return Outcome::kMore;
}

JsonScanner::Outcome JsonScanner::Close(bool is_object) {
  if (depth_ == 0 || is_object_[depth_ - 1] != is_object) return Outcome::kMismatch;
  return --depth_ == 0 ? Outcome::kComplete : Outcome::kMore;
}

JsonScanner::Outcome JsonScanner::Scan(std::string_view bytes, std::size_t* consumed) {
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  const char* p = begin;
  Outcome outcome = Outcome::kMore;
  while (p < end && outcome == Outcome::kMore) {
    if (escaped_) {
      escaped_ = false;
      ++p;
      continue;
    }
    p = in_string_ ? FindQuoteOrBackslash(p, end) : FindStructural(p, end);
    if (p == end) break;
    switch (*p++) {
      case '"':
        in_string_ = !in_string_;
        break;
      case '\\':
        escaped_ = true;
        break;
      case '{':
      case '[':
        outcome = Open(p[-1] == '{');
        break;
      case '}':
      case ']':
        outcome = Close(p[-1] == '}');
        break;
      default:
        break;
    }
  }
  *consumed = static_cast<std::size_t>(p - begin);
  return outcome;
}

}  // namespace downwardfs::client
