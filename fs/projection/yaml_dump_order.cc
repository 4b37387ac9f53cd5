// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/yaml_dump_order.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>

#include "fs/projection/yaml_dump_writer.h"

namespace downwardfs {
namespace {

using Runes = std::vector<std::int32_t>;

Runes RunesOf(std::string_view text) {
  Runes runes;
  runes.reserve(text.size());
  while (!text.empty()) {
    const YamlRune rune = FirstRune(text);
    runes.push_back(rune.code_point);
    text.remove_prefix(rune.size);
  }
  return runes;
}

bool IsLetter(std::int32_t c) {
  const auto category = utf8proc_category(c);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool IsDigitRune(std::int32_t c) {
  return utf8proc_category(c) == UTF8PROC_CATEGORY_ND;
}

// The number at `at`, with `begin` before its digits, and where it ends. One that is too long wraps
// around, as an int64 of Go does.
struct Run {
  std::int64_t number = 0;
  std::size_t end = 0;
};
Run RunAt(const Runes& runes, std::size_t at, std::uint64_t begin) {
  std::uint64_t number = begin;
  for (; at < runes.size() && IsDigitRune(runes[at]); ++at) {
    number = number * 10 + static_cast<std::uint64_t>(std::int64_t{runes[at]} - '0');
  }
  return {static_cast<std::int64_t>(number), at};
}

// If both have a zero or a digit behind the same number, its first digits count too.
bool FollowsNumber(const Runes& runes, std::size_t at) {
  for (; at > 0 && IsDigitRune(runes[at - 1]); --at) {
    if (runes[at - 1] != '0') return true;
  }
  return false;
}

bool Less(const Runes& a, const Runes& b) {
  const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at_a == a.end() || at_b == b.end()) return a.size() < b.size();
  const bool letter_a = IsLetter(*at_a);
  const bool letter_b = IsLetter(*at_b);
  if (letter_a || letter_b) return letter_a && letter_b ? *at_a < *at_b : letter_b;
  const auto at = static_cast<std::size_t>(at_a - a.begin());
  const bool zero = *at_a == '0' || *at_b == '0';
  const std::uint64_t begin = zero && FollowsNumber(a, at) ? 1 : 0;
  const Run run_a = RunAt(a, at, begin);
  const Run run_b = RunAt(b, at, begin);
  if (run_a.number != run_b.number) return run_a.number < run_b.number;
  if (run_a.end != run_b.end) return run_a.end < run_b.end;
  return *at_a < *at_b;
}

}  // namespace

void SortYamlKeys(std::vector<std::string_view>& keys) {
  // Letters alone, as the fields of an API object have, are in the order of their bytes.
  const auto simple = [](std::string_view key) {
    return std::all_of(key.begin(), key.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  };
  if (std::all_of(keys.begin(), keys.end(), simple)) {
    std::sort(keys.begin(), keys.end());
    return;
  }
  std::vector<std::pair<Runes, std::string_view>> sorted;
  sorted.reserve(keys.size());
  for (const std::string_view key : keys) sorted.emplace_back(RunesOf(key), key);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return Less(a.first, b.first); });
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = sorted[i].second;
}

}  // namespace downwardfs
