// SPDX-License-Identifier: Apache-2.0
#include "yaml/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/base64.h"
#include "base/text.h"

namespace downwardfs {
namespace {

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

template <std::size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

// The words with a meaning of their own, in exactly these spellings.
std::optional<YamlValue> ResolveWord(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kTrue = {
      "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
  static constexpr std::array<std::string_view, 11> kFalse = {
      "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
  static constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
  static constexpr std::array<std::string_view, 3> kNan = {".nan", ".NaN", ".NAN"};
  static constexpr std::array<std::string_view, 3> kInf = {".inf", ".Inf", ".INF"};
  if (IsOneOf(text, kTrue)) return YamlValue(true);
  if (IsOneOf(text, kFalse)) return YamlValue(false);
  if (IsOneOf(text, kNull)) return YamlValue(nullptr);
  if (IsOneOf(text, kNan)) return YamlValue(std::nan(""));
  const bool minus = text[0] == '-';
  if (IsOneOf(minus || text[0] == '+' ? text.substr(1) : text, kInf)) {
    const double infinity = std::numeric_limits<double>::infinity();
    return YamlValue(minus ? -infinity : infinity);
  }
  return std::nullopt;
}

// All of `digits` in `base`, which must fit 64 bits; no sign.
std::optional<std::uint64_t> ParseDigits(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, ec] = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || ec != std::errc() || at != end) return std::nullopt;
  return value;
}

std::optional<YamlValue> SignedValue(bool minus, bool sign, std::optional<std::uint64_t> value) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (!value) return std::nullopt;
  if (minus) {
    if (*value > kMax + 1) return std::nullopt;
    return YamlValue(static_cast<std::int64_t>(-*value));
  }
  if (*value <= kMax) return YamlValue(static_cast<std::int64_t>(*value));
  if (sign) return std::nullopt;  // Go's ParseUint takes no sign
  return YamlValue(*value);
}

std::optional<YamlValue> ParseInteger(std::string_view text) {
  const bool minus = text[0] == '-';
  const bool sign = minus || text[0] == '+';
  std::string_view digits = text.substr(sign ? 1 : 0);
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char letter = static_cast<char>(digits[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    digits.remove_prefix(letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
  }
  if (auto value = SignedValue(minus, sign, ParseDigits(digits, base))) return value;
  // go-yaml lets a sign stand after 0b as well.
  if (text.substr(0, 3) == "0b-" || text.substr(0, 3) == "0b+") {
    return SignedValue(text[2] == '-', true, ParseDigits(text.substr(3), 2));
  }
  return std::nullopt;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool LooksLikeFloat(std::string_view text) {
  const auto skip_digits = [&] {
    const auto* end = std::find_if_not(text.begin(), text.end(), IsDigit);
    const auto n = static_cast<std::size_t>(end - text.begin());
    text.remove_prefix(n);
    return n;
  };
  const auto skip = [&](std::string_view any) {
    if (text.empty() || any.find(text[0]) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
  };
  skip("-+");
  const std::size_t before = skip_digits();
  const std::size_t after = skip(".") ? skip_digits() : 0;
  if (before + after == 0) return false;
  if (skip("eE")) {
    skip("-+");
    if (skip_digits() == 0) return false;
  }
  return text.empty();
}

std::optional<YamlValue> ParseFloat(std::string_view text) {
  if (!LooksLikeFloat(text)) return std::nullopt;
  if (text[0] == '+') text.remove_prefix(1);
  double value = 0;
  const auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec == std::errc::result_out_of_range) {
    // Too large is no number for Go, too small is zero; from_chars does not tell them apart.
    value = std::strtod(std::string(text).c_str(), nullptr);
    if (std::isinf(value)) return std::nullopt;
  }
  return YamlValue(value);
}

// `text` without the underscores that stand between two digits.
std::string WithoutSeparators(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool separator = text[i] == '_' && i > 0 && i + 1 < text.size() && IsDigit(text[i + 1]) &&
                           IsDigit(text[i - 1]);
    if (!separator) out += text[i];
  }
  return out;
}

YamlValue ResolvePlain(std::string_view text) {
  if (auto word = ResolveWord(text)) return *word;
  if (text[0] == '.') {
    if (auto value = ParseFloat(WithoutSeparators(text))) return *value;
  } else if (IsDigit(text[0]) || text[0] == '-' || text[0] == '+') {
    std::string plain(text);
    plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
    if (auto value = ParseInteger(plain)) return *value;
    if (auto value = ParseFloat(plain)) return *value;
  }
  return YamlValue(std::string(text));
}

// `value` as the tag wants it; nothing if it does not fit.
std::optional<YamlValue> ApplyTag(std::string_view tag, const YamlValue& value) {
  if (tag == "null" && std::holds_alternative<std::nullptr_t>(value)) return value;
  if (tag == "bool" && std::holds_alternative<bool>(value)) return value;
  if (tag == "int") {
    if (std::holds_alternative<std::int64_t>(value)) return value;
    if (std::holds_alternative<std::uint64_t>(value)) return value;
  }
  if (tag == "float") {
    if (std::holds_alternative<double>(value)) return value;
    if (const auto* i = std::get_if<std::int64_t>(&value)) return YamlValue(double(*i));
  }
  // Timestamps stay strings in the JSON. That day and hour exist is not checked: nothing here
  // reads them.
  if (const auto* text = std::get_if<std::string>(&value); text != nullptr && tag == "timestamp") {
    const auto* year_end = std::find_if_not(text->data(), text->data() + text->size(), IsDigit);
    if (year_end == text->data() + 4 && *year_end == '-') return value;
  }
  return std::nullopt;
}

template <class Float>
std::string FloatText(Float value, std::chars_format format) {
  std::array<char, 400> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format).ptr;
  return {buffer.data(), end};
}

// Without an exponent, in the fewest digits that name the value: zeros fill up a large one, where
// to_chars would print all its digits.
template <class Float>
std::string ShortestFixed(Float value) {
  if (std::fabs(value) < Float(1e15)) return FloatText(value, std::chars_format::fixed);
  const std::string text = FloatText(value, std::chars_format::scientific);
  const std::size_t e = text.find('e');
  std::string digits = text.substr(0, e);
  const std::size_t sign = digits[0] == '-' ? 1 : 0;
  if (const auto point = digits.find('.'); point != std::string::npos) digits.erase(point, 1);
  const auto integer_digits = static_cast<std::size_t>(std::atoi(text.c_str() + e + 1)) + 1 + sign;
  if (digits.size() < integer_digits) {
    digits.append(integer_digits - digits.size(), '0');
  } else if (digits.size() > integer_digits) {
    digits.insert(integer_digits, 1, '.');
  }
  return digits;
}

// As Go's strconv.FormatFloat(value, 'g', -1, 32) prints it.
std::string GoShortFloat32(double value) {
  const auto narrow = static_cast<float>(value);
  std::string text = FloatText(narrow, std::chars_format::scientific);
  const int exponent = std::atoi(text.c_str() + text.find('e') + 1);
  return exponent < -4 || exponent >= 6 ? text : FloatText(narrow, std::chars_format::fixed);
}

// As in the JSON that sigs.k8s.io/yaml makes of it: U+FFFD for each byte that is not UTF-8.
std::string InUtf8(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t n = std::min(FirstInvalidUtf8(bytes), bytes.size());
    out += bytes.substr(0, n);
    bytes.remove_prefix(n);
    if (bytes.empty()) break;
    out += "\xef\xbf\xbd";
    bytes.remove_prefix(1);
  }
  return out;
}

}  // namespace

Result<YamlValue> ResolveYamlScalar(std::string_view text, bool plain, std::string_view tag) {
  if (tag.empty()) return plain ? ResolvePlain(text) : YamlValue(std::string(text));
  if (tag.substr(0, kTagPrefix.size()) != kTagPrefix) return YamlValue(std::string(text));
  tag.remove_prefix(kTagPrefix.size());
  if (tag == "binary") {
    std::string base64(text);
    base64.erase(
        std::remove_if(base64.begin(), base64.end(), [](char c) { return c == '\n' || c == '\r'; }),
        base64.end());
    auto bytes = Base64Decode(base64);
    if (!bytes) return Fail(ErrorCode::kInvalidArgument, "the value is not base64, as !!binary is");
    return YamlValue(InUtf8(*bytes));
  }
  static constexpr std::array<std::string_view, 5> kTyped = {"null", "bool", "int", "float",
                                                             "timestamp"};
  if (!IsOneOf(tag, kTyped)) return YamlValue(std::string(text));
  if (auto value = ApplyTag(tag, ResolvePlain(text))) return *value;
  return Fail(ErrorCode::kInvalidArgument, "the value is not a !!" + std::string(tag));
}

bool IsYamlWord(std::string_view text) {
  return ResolveWord(text).has_value();
}

std::string YamlNumberText(double value) {
  const double magnitude = std::fabs(value);
  if (magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21)) return ShortestFixed(value);
  std::string text = FloatText(value, std::chars_format::scientific);
  const std::size_t n = text.size();
  if (n >= 4 && text.substr(n - 4, 3) == "e-0") text.erase(n - 2, 1);  // e-07 is e-7
  return text;
}

Result<std::string> YamlValueToKey(YamlValue value) {
  if (auto* text = std::get_if<std::string>(&value)) return std::move(*text);
  if (const auto* flag = std::get_if<bool>(&value)) return std::string(*flag ? "true" : "false");
  if (const auto* i = std::get_if<std::int64_t>(&value)) return std::to_string(*i);
  if (const auto* number = std::get_if<double>(&value)) {
    if (std::isnan(*number)) return std::string(".nan");
    if (std::isinf(static_cast<float>(*number))) return std::string(*number < 0 ? "-.inf" : ".inf");
    return GoShortFloat32(*number);
  }
  return Fail(ErrorCode::kInvalidArgument, std::holds_alternative<std::nullptr_t>(value)
                                               ? "null cannot be a key"
                                               : "a key above 9223372036854775807 must be quoted");
}

}  // namespace downwardfs
