// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "base/text.h"
#include "fs/projection/quantity.h"

namespace downwardfs {

// "-0012.50Ki" is {true, "12", "50", true, 10}.
struct Quantity::Text {
  bool negative = false;
  std::string_view whole;  // without leading zeros, so perhaps empty
  std::string_view fraction;
  bool has_digit = false;
  std::int32_t exponent = 0;  // of 2 for kBinarySI, else of 10

  // How many digits Kubernetes counts: an empty whole part is "0" to it.
  std::size_t digit_count() const {
    return std::max<std::size_t>(whole.size(), 1) + fraction.size();
  }
};

namespace {

struct Suffix {
  Quantity::Format format = Quantity::Format::kDecimalSI;
  std::int32_t exponent = 0;
};

constexpr std::int32_t kNano = -9;
constexpr std::uint64_t kNanos = 1'000'000'000;
constexpr std::uint64_t kMaxAmount = std::numeric_limits<std::int64_t>::max();
// 10^38 fits 128 bits, 10^39 does not.
constexpr std::int64_t kMaxWideDigits = 38;

bool IsSuffixLetter(char c) {
  return std::string_view("eEinumkKMGTP").find(c) != std::string_view::npos;
}

std::string_view TakeWhile(std::string_view& text, bool (*accept)(char)) {
  const auto end = std::find_if_not(text.begin(), text.end(), accept);
  const auto taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

bool TakeSign(std::string_view& text) {
  const bool is_sign = !text.empty() && (text[0] == '+' || text[0] == '-');
  const bool negative = is_sign && text[0] == '-';
  if (is_sign) text.remove_prefix(1);
  return negative;
}

// Letters that occur in suffixes, a sign, digits: whether that spells a suffix is decided later.
bool LooksLikeSuffix(std::string_view text) {
  TakeWhile(text, IsSuffixLetter);
  TakeSign(text);
  TakeWhile(text, IsDigit);
  return text.empty();
}

// The value of at most 38 digits.
Uint128 ToNumber(std::string_view digits) {
  Uint128 number = 0;
  for (const char c : digits) number = number * 10 + static_cast<unsigned>(c - '0');
  return number;
}

// Up to `n` digits of `text` from `at` on, as if it went on with zeros for ever.
std::uint64_t DigitsAt(std::string_view text, std::size_t at, std::size_t n) {
  std::uint64_t number = 0;
  for (std::size_t i = at; i < at + n; ++i) {
    number = number * 10 + (i < text.size() ? static_cast<unsigned>(text[i] - '0') : 0);
  }
  return number;
}

Uint128 PowerOfTen(std::size_t exponent) {
  Uint128 power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

std::string_view WithoutTrailingZeros(std::string_view digits) {
  const auto last = digits.find_last_not_of('0');
  return digits.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// 0.`fraction` * factor, rounded up; factor below 2^97. A long multiplication from the last digit
// on, nine digits at a time, that keeps only the part above the decimal point and whether anything
// was dropped: exact, since a floor of a floor loses nothing.
Uint128 FractionTimes(std::string_view fraction, Uint128 factor) {
  constexpr std::size_t kStep = 9;
  fraction = WithoutTrailingZeros(fraction);
  Uint128 result = 0;
  bool dropped = false;
  for (std::size_t step = (fraction.size() + kStep - 1) / kStep; step-- > 0;) {
    const Uint128 product = factor * DigitsAt(fraction, step * kStep, kStep) + result;
    dropped = dropped || product % kNanos != 0;
    result = product / kNanos;
  }
  return result + (dropped ? 1 : 0);
}

std::optional<Suffix> InterpretSuffix(std::string_view text) {
  using Format = Quantity::Format;
  static constexpr std::string_view kDecimal[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
  static constexpr std::string_view kBinary[] = {"Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(std::size(kDecimal)); ++i) {
    if (text == kDecimal[i]) return Suffix{Format::kDecimalSI, kNano + 3 * i};
  }
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(std::size(kBinary)); ++i) {
    if (text == kBinary[i]) return Suffix{Format::kBinarySI, 10 * (i + 1)};
  }
  if (text[0] != 'e' && text[0] != 'E') return std::nullopt;
  // The rest is [+-]digits, which must fit 64 bits and is then cut to 32: e4294967296 is e0.
  std::string_view digits = text.substr(1);
  if (digits.size() > 1 && digits[0] == '+' && IsDigit(digits[1])) digits.remove_prefix(1);
  std::int64_t exponent = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return Suffix{Format::kDecimalExponent, static_cast<std::int32_t>(exponent)};
}

tl::unexpected<Error> Refuse(std::string_view text, const std::string& rule) {
  return Fail(ErrorCode::kInvalidArgument, "quantity " + QuoteForMessage(text) + ": " + rule);
}

}  // namespace

Result<Quantity> Quantity::Parse(std::string_view text) {
  Text parts;
  std::string_view rest = text;
  parts.negative = TakeSign(rest);
  parts.whole = TakeWhile(rest, IsDigit);
  parts.has_digit = !parts.whole.empty();
  parts.whole.remove_prefix(std::min(parts.whole.find_first_not_of('0'), parts.whole.size()));
  if (!rest.empty() && rest[0] == '.') {
    rest.remove_prefix(1);
    parts.fraction = TakeWhile(rest, IsDigit);
    parts.has_digit = parts.has_digit || !parts.fraction.empty();
  }
  if (text.empty() || !LooksLikeSuffix(rest)) {
    return Refuse(text, "must be a number with an optional suffix, such as 2, 100m, 1.5Gi or 1e3");
  }
  const auto suffix = InterpretSuffix(rest);
  if (!suffix) {
    return Refuse(text,
                  "the suffix must be one of n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an "
                  "exponent such as e3, not " +
                      QuoteForMessage(rest));
  }
  parts.exponent = suffix->exponent;

  Quantity quantity;
  quantity.format_ = suffix->format;
  if (quantity.SetNarrow(parts)) {
    if (quantity.KeepsText(parts)) quantity.text_ = text;
  } else if (!parts.has_digit) {
    // Only here: the 64-bit path takes "Ki" and "." for 0.
    return Refuse(text, "has no digits");
  } else if (suffix->format == Format::kBinarySI) {
    quantity.SetWideBinary(parts);
  } else {
    quantity.SetWideDecimal(parts);
  }
  quantity.negative_ = parts.negative && quantity.coefficient_ != 0;
  return quantity;
}

bool Quantity::SetNarrow(const Text& text) {
  constexpr std::size_t kMaxDigits = 18;
  const std::size_t digits = text.digit_count();
  if (format_ == Format::kBinarySI) {
    // A binary suffix of 2^10n is counted as 3n digits, and 14 digits are safe.
    if (!text.fraction.empty() || digits + 3 * static_cast<std::size_t>(text.exponent) / 10 > 14) {
      return false;
    }
    coefficient_ = ToNumber(text.whole) << text.exponent;
    return true;
  }
  if (digits > kMaxDigits) return false;
  // In 32 bits, as in Kubernetes: 1.5e-2147483648 wraps to a huge amount.
  const auto scale = static_cast<std::int32_t>(static_cast<std::int64_t>(text.exponent) -
                                               static_cast<std::int64_t>(text.fraction.size()));
  if (scale < kNano) return false;
  coefficient_ = ToNumber(text.whole) * PowerOfTen(text.fraction.size()) + ToNumber(text.fraction);
  scale_ = scale;
  return true;
}

// A narrow amount is believed to be canonical, and its text kept, by these signs alone.
bool Quantity::KeepsText(const Text& text) const {
  if (format_ == Format::kBinarySI) return (ToNumber(text.whole) & 7) != 0;
  return !text.whole.empty() && scale_ % 3 == 0 && coefficient_ % 1000 != 0;
}

// Counts the nanos: the digits before the point of amount * 10^9, one more if any follow.
void Quantity::SetWideDecimal(const Text& text) {
  wide_ = true;
  scale_ = kNano;
  std::string_view whole = text.whole;
  std::string_view fraction = text.fraction;
  auto point = static_cast<std::int64_t>(whole.size()) + text.exponent - kNano;
  if (whole.empty()) {
    const std::size_t zeros = std::min(fraction.find_first_not_of('0'), fraction.size());
    fraction.remove_prefix(zeros);
    point -= static_cast<std::int64_t>(zeros);
  }
  if (whole.empty() && fraction.empty()) return;
  if (point > kMaxWideDigits) {
    coefficient_ = std::numeric_limits<Uint128>::max();
    return;
  }
  const auto take = [&point](std::string_view& digits) {
    const auto taken = digits.substr(0, static_cast<std::size_t>(std::max<std::int64_t>(point, 0)));
    digits.remove_prefix(taken.size());
    point -= static_cast<std::int64_t>(taken.size());
    return taken;
  };
  coefficient_ = ToNumber(take(whole));
  const auto more = take(fraction);
  coefficient_ = coefficient_ * PowerOfTen(more.size()) + ToNumber(more);
  if (point > 0) coefficient_ *= PowerOfTen(static_cast<std::size_t>(point));
  const bool dropped = whole.find_first_not_of('0') != std::string_view::npos ||
                       fraction.find_first_not_of('0') != std::string_view::npos;
  if (dropped) ++coefficient_;
}

void Quantity::SetWideBinary(const Text& text) {
  wide_ = true;
  scale_ = kNano;
  const auto cap = [this] {
    coefficient_ = kMaxAmount;
    scale_ = 0;
  };
  if (text.whole.size() > 19) return cap();
  const Uint128 units = ToNumber(text.whole) << text.exponent;
  if (units > kMaxAmount) return cap();
  const Uint128 factor = Uint128{kNanos} << text.exponent;
  coefficient_ = units * kNanos + FractionTimes(text.fraction, factor);
  if (coefficient_ > Uint128{kMaxAmount} * kNanos) return cap();
  // Less than one is written with n, u or m.
  if (coefficient_ != 0 && coefficient_ < kNanos) format_ = Format::kDecimalSI;
}

}  // namespace downwardfs
