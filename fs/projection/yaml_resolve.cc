// SPDX-License-Identifier: Apache-2.0
// Which plain scalars some reader takes for something else than a string: the tag repository of
// YAML 1.1 as its parsers implement it, the core schema of 1.2, and what go-yaml adds (0o and 0b in
// both). More than our own reader does (yaml/yaml_scalar.h), since others read the file.
#include <algorithm>
#include <iterator>
#include <string>

#include "base/text.h"
#include "fs/projection/yaml_dump.h"
#include "yaml/yaml_scalar.h"

namespace downwardfs {
namespace {

bool IsHexDigit(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Drops what `accept` takes from the front of `text`, and says how much that was.
template <class Accept>
std::size_t Skip(std::string_view& text, Accept accept) {
  std::size_t n = 0;
  while (n < text.size() && accept(text[n])) ++n;
  text.remove_prefix(n);
  return n;
}

bool SkipChar(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// [eE][-+]?digits or nothing, to the end.
bool IsExponentOrEnd(std::string_view text) {
  if (text.empty()) return true;
  if (!SkipChar(text, "eE")) return false;
  SkipChar(text, "+-");
  return Skip(text, IsDigit) > 0 && text.empty();
}

// 0x, 0o or 0b and digits of that base. (go-yaml takes a sign after 0b, and 0X, 0O, 0B.)
bool IsBased(std::string_view text) {
  if (text.size() < 3 || text[0] != '0') return false;
  const char base = static_cast<char>(text[1] | 0x20);  // in lower case
  text.remove_prefix(2);
  if (base == 'b' && text.size() > 1) SkipChar(text, "+-");
  return std::all_of(text.begin(), text.end(), [base](char c) {
    if (c == '_') return true;
    switch (base) {
      case 'x':
        return IsHexDigit(c);
      case 'o':
        return c >= '0' && c <= '7';
      case 'b':
        return c == '0' || c == '1';
      default:
        return false;
    }
  });
}

// 190:20:30, 190:20:30.15: what YAML 1.1 counts in base 60. At the first ':'.
bool IsSexagesimalRest(std::string_view text) {
  while (SkipChar(text, ":")) {
    const std::size_t digits = text.find_first_not_of("0123456789");
    const std::string_view group = text.substr(0, digits);
    if (group.empty() || group.size() > 2 || (group.size() == 2 && group[0] > '5')) return false;
    text.remove_prefix(group.size());
  }
  if (text.empty()) return true;
  return SkipChar(text, ".") &&
         (Skip(text, [](char c) { return IsDigit(c) || c == '_'; }), text.empty());
}

bool IsNumber(std::string_view text) {
  SkipChar(text, "+-");
  if (text.empty()) return false;
  if (text == ".inf" || text == ".Inf" || text == ".INF" || IsBased(text)) return true;
  const auto digit_or_underscore = [](char c) { return IsDigit(c) || c == '_'; };
  if (text.front() == '.') {
    text.remove_prefix(1);
    if (text.empty() || !IsDigit(text.front())) return false;
    Skip(text, digit_or_underscore);
    return IsExponentOrEnd(text);
  }
  if (!IsDigit(text.front())) return false;
  Skip(text, digit_or_underscore);
  if (!text.empty() && text.front() == ':') return IsSexagesimalRest(text);
  if (SkipChar(text, ".")) Skip(text, digit_or_underscore);
  return IsExponentOrEnd(text);
}

// 2001-12-14, or that and a time behind T or white space.
bool IsTimestamp(std::string_view text) {
  const auto skip_digits = [&text](std::size_t least, std::size_t most) {
    const std::size_t n = Skip(text, IsDigit);
    return n >= least && n <= most;
  };
  if (!skip_digits(4, 4) || !SkipChar(text, "-") || !skip_digits(1, 2) || !SkipChar(text, "-") ||
      !skip_digits(1, 2)) {
    return false;
  }
  if (text.empty()) return true;
  if (!SkipChar(text, "Tt \t")) return false;
  Skip(text, [](char c) { return c == ' ' || c == '\t'; });
  return !text.empty() && IsDigit(text.front());
}

}  // namespace

bool YamlReadsAsOther(std::string_view text) {
  if (IsYamlWord(text) || text == "=" || text == "<<") return true;
  if (IsNumber(text) || IsTimestamp(text)) return true;
  // go-yaml drops every underscore of what begins like a number: "-_1" is -1.
  if (std::string_view("+-.0123456789").find(text.front()) == std::string_view::npos) return false;
  std::string digits(text);
  digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
  return digits.size() < text.size() && IsNumber(digits);
}

}  // namespace downwardfs
