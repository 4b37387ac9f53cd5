// SPDX-License-Identifier: Apache-2.0
// Quantities against the recorded answers of resource.ParseQuantity.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "fs/projection/quantity.h"
#include "tests/projection/vectors.h"

namespace downwardfs {
namespace {

std::string_view FormatName(Quantity::Format format) {
  switch (format) {
    case Quantity::Format::kDecimalSI:
      return "DecimalSI";
    case Quantity::Format::kBinarySI:
      return "BinarySI";
    case Quantity::Format::kDecimalExponent:
      return "DecimalExponent";
  }
  return "";
}

// The magnitude of a valid quantity: a plain reading of mantissa and suffix in long double,
// independent of the code under test. Only to tell what is beyond 64 bits.
long double Magnitude(const std::string& text) {
  const auto end_of_number = std::min(text.find_first_not_of("+-.0123456789"), text.size());
  const long double mantissa =
      std::fabs(std::strtold(text.substr(0, end_of_number).c_str(), nullptr));
  const std::string suffix = text.substr(end_of_number);
  const auto power = [](long double base, long double exponent) {
    return std::pow(base, exponent);
  };
  if (mantissa == 0 || suffix.empty()) return mantissa;
  if (suffix.size() == 2 && suffix[1] == 'i') {
    return mantissa *
           power(1024, 1 + static_cast<long double>(std::string_view("KMGTPE").find(suffix[0])));
  }
  if (suffix.size() == 1) {
    return mantissa *
           power(1000,
                 static_cast<long double>(std::string_view("num kMGTPE").find(suffix[0])) - 3);
  }
  // Cut to 32 bits, as the rule has it. So low an exponent may wrap when digits follow the point.
  const auto exponent = static_cast<std::int32_t>(std::strtoll(suffix.c_str() + 1, nullptr, 10));
  if (exponent < std::numeric_limits<std::int32_t>::min() + 1000) return HUGE_VALL;
  return mantissa * power(10, exponent);
}

// Below 2^63, with room for the rounding of the long double.
bool Fits(long double magnitude) {
  return magnitude < 9.223372036854775e18L;
}

TEST(QuantityVectorsTest, AgreeWithKubernetesWithin64Bits) {
  std::size_t compared = 0;
  const std::size_t count = testing::ForEachVector("quantity.jsonl", [&](const auto& vector) {
    SCOPED_TRACE(vector.where);
    const std::string text = testing::BytesMember(vector.in, "s");
    const auto quantity = Quantity::Parse(text);
    ASSERT_EQ(quantity.has_value(), !testing::IsRefused(vector));
    if (!quantity) {
      ++compared;
      return;
    }
    const Json& expected = vector.out;
    EXPECT_EQ(quantity->Sign(), expected.at("sign").template get<int>());
    EXPECT_EQ(FormatName(quantity->format()), expected.at("format"));
    const std::int64_t value = quantity->Value();
    const std::int64_t millivalue = quantity->MilliValue();
    const std::string shown = quantity->ToString();
    const std::string canonical = quantity->Canonical();
    const long double magnitude = Magnitude(text);
    // Binary amounts are capped, so their value always fits.
    if (!Fits(magnitude) && text.back() != 'i') return;
    ++compared;
    EXPECT_EQ(std::to_string(value), expected.at("value"));
    EXPECT_EQ(shown, expected.at("canonical"));
    EXPECT_EQ(canonical, expected.at("recomputed"));
    if (Fits(magnitude * 1000)) {
      EXPECT_EQ(std::to_string(millivalue), expected.at("millivalue"));
    }
  });
  // Refusal, sign and format are compared on every line, digits where 64 bits hold them: 87% of the
  // sample. Were a file read wrongly, or the measure of what fits broken, few would be left.
  std::cout << "digits compared on " << compared << " of " << count << " lines\n";
  EXPECT_GE(compared * 4, count * 3);
}

}  // namespace
}  // namespace downwardfs
