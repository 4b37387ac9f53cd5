// SPDX-License-Identifier: Apache-2.0
#include "client/config/yaml_kind.h"

#include <charconv>
#include <string>
#include <system_error>

namespace downwardfs::client {
namespace {

using YamlKind = YamlNode::Kind;

// [-+]?(.[0-9]+|[0-9]+(.[0-9]*)?)([eE][-+]?[0-9]+)?, the floats and decimal integers of YAML 1.1.
bool IsDecimal(std::string_view text) {
  const auto digits = [&text] {
    std::size_t n = 0;
    while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
    text.remove_prefix(n);
    return n;
  };
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  std::size_t mantissa = digits();
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    mantissa += digits();
  }
  if (mantissa == 0) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return digits() > 0 && text.empty();
}

bool FitsDouble(std::string_view text) {
  if (text[0] == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  (void)end;
  return error != std::errc::result_out_of_range || text.find("e-") != std::string_view::npos ||
         text.find("E-") != std::string_view::npos;
}

// 0x1f, 0b11, 0o17, with a sign: integers of another base (Go's ParseInt with base 0).
bool IsBasedInteger(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.size() < 3 || text.size() > 66 || text[0] != '0') return false;
  const char base = static_cast<char>(text[1] | 0x20);
  const std::string_view allowed = base == 'x'   ? "0123456789abcdefABCDEF"
                                   : base == 'o' ? "01234567"
                                   : base == 'b' ? "01"
                                                 : "";
  return text.find_first_not_of(allowed, 2) == std::string_view::npos && !allowed.empty();
}

}  // namespace

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

YamlNode::Kind PlainScalarKind(std::string_view text) {
  if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return YamlKind::kNull;
  if (IsOneOf(text,
              {"y", "Y", "yes", "Yes", "YES", "true",  "True",  "TRUE",  "on",  "On",  "ON",
               "n", "N", "no",  "No",  "NO",  "false", "False", "FALSE", "off", "Off", "OFF"})) {
    return YamlKind::kBool;
  }
  if (IsOneOf(text, {".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF",
                     "-.inf", "-.Inf", "-.INF"})) {
    return YamlKind::kNumber;
  }
  if (text.find_first_of("0123456789") == std::string_view::npos) return YamlKind::kString;
  std::string plain;
  for (const char c : text) {
    if (c != '_') plain += c;
  }
  const bool starts_as_number =
      text[0] == '.' || text[0] == '-' || text[0] == '+' || (text[0] >= '0' && text[0] <= '9');
  if (!starts_as_number) return YamlKind::kString;
  return IsBasedInteger(plain) || (IsDecimal(plain) && FitsDouble(plain)) ? YamlKind::kNumber
                                                                          : YamlKind::kString;
}

}  // namespace downwardfs::client
