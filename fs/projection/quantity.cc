// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/quantity.h"

#include <algorithm>
#include <array>

namespace downwardfs {
namespace {

constexpr std::uint64_t kNanosPerUnit = 1'000'000'000;

// Two's complement, wrapping: what Go's conversions and additions do.
std::int64_t Wrap(Uint128 magnitude, bool negative) {
  const auto low = static_cast<std::uint64_t>(magnitude);
  return static_cast<std::int64_t>(negative ? 0 - low : low);
}

// The same, but an amount that does not fit 64 bits becomes the nearest one that does.
std::int64_t Saturate(Uint128 magnitude, bool negative) {
  constexpr auto kMost = static_cast<std::uint64_t>(INT64_MAX);
  if (magnitude <= kMost) return Wrap(magnitude, negative);
  return negative ? INT64_MIN : INT64_MAX;
}

// Takes every factor `base` out of `number` (not 0) and says how many there were.
int RemoveFactors(Uint128& number, unsigned base) {
  int times = 0;
  for (; number % base == 0; ++times) number /= base;
  return times;
}

std::string DecimalText(Uint128 number, bool negative) {
  std::string text;
  do {
    text += static_cast<char>('0' + static_cast<int>(number % 10));
    number /= 10;
  } while (number != 0);
  if (negative) text += '-';
  std::reverse(text.begin(), text.end());
  return text;
}

// Kubernetes leaves the suffix out if no letter stands for the exponent, even for 10^21.
std::string DecimalSuffix(std::int64_t exponent) {
  static constexpr std::string_view kSuffixes = "num kMGTPE";
  if (exponent == 0 || exponent < -9 || exponent > 18) return "";
  return std::string(1, kSuffixes[static_cast<std::size_t>(exponent / 3 + 3)]);
}

}  // namespace

int Quantity::Sign() const {
  if (coefficient_ == 0) return 0;
  return negative_ ? -1 : 1;
}

std::int64_t Quantity::Scaled(std::int32_t scale) const {
  if (coefficient_ == 0) return 0;
  return wide_ ? ScaledWide(scale) : ScaledNarrow(scale);
}

std::int64_t Quantity::ScaledNarrow(std::int32_t scale) const {
  Uint128 number = coefficient_;
  if (scale_ < scale) {
    // Away from zero. At most nine steps, for no narrow scale is below -9.
    bool dropped = false;
    for (std::int32_t i = scale_; i < scale; ++i) {
      dropped = dropped || number % 10 != 0;
      number /= 10;
    }
    return Wrap(number + (dropped ? 1 : 0), negative_);
  }
  const std::int64_t difference = static_cast<std::int64_t>(scale_) - scale;
  for (std::int64_t i = 0; i < difference; ++i) {
    number *= 10;
    if (number > static_cast<std::uint64_t>(INT64_MAX)) break;
  }
  return Saturate(number, negative_);
}

std::int64_t Quantity::ScaledWide(std::int32_t scale) const {
  if (scale_ >= scale) {  // capped: 1 or 1000 times the greatest int64
    return Saturate(scale_ == scale ? coefficient_ : coefficient_ * 1000, negative_);
  }
  const std::uint64_t divisor = scale == 0 ? kNanosPerUnit : kNanosPerUnit / 1000;
  if (!negative_) {
    const bool dropped = coefficient_ % divisor != 0;
    return Saturate(coefficient_ / divisor + (dropped ? 1 : 0), false);
  }
  // Only its low 64 bits count, and what is left over makes it greater, not greater in magnitude.
  const std::int64_t nanos = Wrap(coefficient_, true);
  const auto signed_divisor = static_cast<std::int64_t>(divisor);
  return nanos / signed_divisor + (nanos % signed_divisor != 0 ? 1 : 0);
}

std::string Quantity::ToString() const {
  return text_.empty() ? Canonical() : text_;
}

std::string Quantity::Canonical() const {
  if (coefficient_ == 0) return "0";
  Uint128 number = coefficient_;
  if (format_ == Format::kBinarySI) {
    // Narrow and capped amounts are integers. Fractions, and what is small, are shown in decimal.
    const bool whole = scale_ == 0 || number % kNanosPerUnit == 0;
    const Uint128 units = scale_ == 0 ? number : number / kNanosPerUnit;
    if (whole && units >= 1024) {
      static constexpr std::array<std::string_view, 7> kSuffixes = {"",   "Ki", "Mi", "Gi",
                                                                    "Ti", "Pi", "Ei"};
      number = units;
      const auto power = static_cast<std::size_t>(RemoveFactors(number, 1024));
      return DecimalText(number, negative_) + std::string(kSuffixes[power]);
    }
  }
  // The exponent becomes as large as a multiple of three can be.
  std::int64_t exponent = static_cast<std::int64_t>(scale_) + RemoveFactors(number, 10);
  for (; exponent % 3 != 0; --exponent) number *= 10;
  std::string text = DecimalText(number, negative_);
  if (format_ != Format::kDecimalExponent) return text + DecimalSuffix(exponent);
  return exponent == 0 ? text : text + "e" + std::to_string(exponent);
}

}  // namespace downwardfs
