// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/quantity.h"

#include <gtest/gtest.h>

#include <limits>

namespace downwardfs {
namespace {

using Format = Quantity::Format;

Quantity Parsed(std::string_view text) {
  const auto quantity = Quantity::Parse(text);
  EXPECT_TRUE(quantity) << (quantity ? "" : quantity.error().message);
  return quantity.value_or(Quantity());
}

TEST(QuantityParseTest, RefusesWhatKubernetesRefuses) {
  for (const std::string_view text :
       {"",          " ",     "1 ",           " 1",   "\t1", "1K",    "1ki",
        "1KI",       "1i",    "1mi",          "--1",  "+-1", "1.2.3", "1,5",
        "0x10",      "1_000", "Inf",          "NaN",  "e",   "1e",    "1e+",
        "1e1.5",     "1e+-1", "1ee5",         "1E5i", "1kk", "1Mi5",  "1e9223372036854775808",
        "1\xc2\xa0", "\xff",  "1\xe2\x82\xac"}) {
    const auto quantity = Quantity::Parse(text);
    ASSERT_FALSE(quantity) << text;
    EXPECT_EQ(quantity.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(quantity.error().message.find("quantity \""), std::string::npos);
  }
}

TEST(QuantityParseTest, NoDigitsAreZeroOnTheNarrowPathAndAnErrorOnTheWideOne) {
  for (const std::string_view text :
       {"+", "-", ".", "-.", "Ki", "Ti", "m", "n", "E", "e5", "E6", ".Ki", "+.k", "e-9"}) {
    EXPECT_TRUE(Parsed(text).IsZero()) << text;
  }
  for (const std::string_view text : {"Pi", "Ei", ".Pi", "-Ei", "e-10", ".e-10"}) {
    EXPECT_FALSE(Quantity::Parse(text)) << text;
  }
}

struct Amount {
  std::string_view text;
  std::int64_t value;
  std::int64_t millivalue;
  std::string_view canonical;
};

void Check(std::initializer_list<Amount> amounts) {
  for (const auto& [text, value, millivalue, canonical] : amounts) {
    const Quantity quantity = Parsed(text);
    EXPECT_EQ(quantity.Value(), value) << text;
    EXPECT_EQ(quantity.MilliValue(), millivalue) << text;
    EXPECT_EQ(quantity.Canonical(), canonical) << text;
  }
}

TEST(QuantityTest, SuffixesScale) {
  Check({
      {"1n", 1, 1, "1n"},
      {"1u", 1, 1, "1u"},
      {"1m", 1, 1, "1m"},
      {"1", 1, 1000, "1"},
      {"1k", 1000, 1000000, "1k"},
      {"1M", 1000000, 1000000000, "1M"},
      {"1P", 1000000000000000, 1000000000000000000, "1P"},
      {"1Ki", 1024, 1024000, "1Ki"},
      {"1Ti", 1099511627776, 1099511627776000, "1Ti"},
      {"1Pi", 1125899906842624, 1125899906842624000, "1Pi"},
      {"1e3", 1000, 1000000, "1e3"},
      {"15e-1", 2, 1500, "1500e-3"},
  });
  EXPECT_EQ(Parsed("7Ei").Value(), 8070450532247928832);
}

TEST(QuantityTest, LoneEIsExaAndEWithDigitsAnExponent) {
  EXPECT_EQ(Parsed("1E").Value(), 1000000000000000000);
  EXPECT_EQ(Parsed("1E").format(), Format::kDecimalSI);
  EXPECT_EQ(Parsed("1E6").Value(), 1000000);
  EXPECT_EQ(Parsed("1E6").format(), Format::kDecimalExponent);
}

TEST(QuantityTest, RoundsUpInMagnitude) {
  Check({
      {"0.1", 1, 100, "100m"},
      {"1.0001", 2, 1001, "1000100u"},
      {"-0.1", -1, -100, "-100m"},
      {"-1.0001", -2, -1001, "-1000100u"},
      {"1.1Ki", 1127, 1126400, "1126400m"},
  });
}

TEST(QuantityTest, BelowOneNanoIsOneNano) {
  Check({
      {"0.0000000001", 1, 1, "1n"},
      {"1.1n", 1, 1, "2n"},
      {"-0.1n", 1, 1, "-1n"},
      {"1e-400", 1, 1, "1e-9"},
      {"0.00000000001Ki", 1, 1, "11n"},
  });
}

TEST(QuantityTest, WideNegativesAreRoundedTowardsZeroPlusOne) {
  Check({
      {"-1.1Ki", -1125, -1126400, "-1126400m"},
      {"-2.5000000000000000000", -1, -2500, "-2500m"},
      {"-0.50000000000000000000", 1, -500, "-500m"},
  });
  // And their nanos wrap at 64 bits, though the amount itself would fit.
  EXPECT_EQ(Parsed("-10Pi").Value(), 8070450533);
}

TEST(QuantityTest, BinaryAmountsAreCappedAtTheGreatestInt64) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(Parsed("8Ei").Value(), kMax);
  EXPECT_EQ(Parsed("-99999999999999999999999Ki").Value(), -kMax);
  EXPECT_EQ(Parsed("7.9999999999999999999999999Ei").Value(), kMax);
  EXPECT_EQ(Parsed("8Ei").Canonical(), "9223372036854775807");
}

TEST(QuantityTest, WhatDoesNotFit64BitsIsTheNearestThatDoes) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  for (const std::string text : {"10E", "1e19", "92233720368547758.08k", "1e2147483647",
                                 "99999999999999999999.5", "9223372036854775808"}) {
    EXPECT_EQ(Parsed(text).Value(), kMax) << text;
    EXPECT_EQ(Parsed(text).MilliValue(), kMax) << text;
  }
  EXPECT_EQ(Parsed("9223372036854775807").Value(), kMax);
  EXPECT_EQ(Parsed("9223372036854775807").MilliValue(), kMax);
  EXPECT_EQ(Parsed("8Ei").MilliValue(), kMax);
  EXPECT_EQ(Parsed("-10E").Value(), std::numeric_limits<std::int64_t>::min());
}

TEST(QuantityTest, ExponentIsCutTo32Bits) {
  EXPECT_EQ(Parsed("7e4294967296").Value(), 7);
  EXPECT_EQ(Parsed("7e4294967297").Canonical(), "70");
  EXPECT_EQ(Parsed("7e-9223372036854775808").Value(), 7);
}

TEST(QuantityTest, CanonicalFormDecides) {
  struct Case {
    std::string_view text, shown, canonical;
  };
  for (const auto& [text, shown, canonical] : std::initializer_list<Case>{
           {"1024Ki", "1Mi", "1Mi"},
           {"1024Mi", "1Gi", "1Gi"},
           {"1025Ki", "1025Ki", "1025Ki"},
           {"1000m", "1", "1"},
           {"1500m", "1500m", "1500m"},
           {"1000", "1k", "1k"},
           {"1024", "1024", "1024"},
           {"+1", "+1", "1"},  // the text is kept where it passes for canonical
           {"1.", "1.", "1"},
           {"1.0", "1", "1"},
           {"01Gi", "01Gi", "1Gi"},
           {"0.5Gi", "512Mi", "512Mi"},
           {"1Ki", "1Ki", "1Ki"},
           {"8Ki", "8Ki", "8Ki"},
           {"512Ki", "512Ki", "512Ki"},
           {"0.5Ki", "512", "512"},
           {"0.0001Ki", "102400u", "102400u"},
           {"1000e0", "1e3", "1e3"},
           {"10e2", "1e3", "1e3"},
           {"1E3", "1E3", "1e3"},
           {"-0", "0", "0"},
           {"0Ki", "0", "0"},
           {"000", "0", "0"},
           {"100E", "100E", "100E"},
           {"10000E", "10", "10"},  // no suffix for 10^21: Kubernetes leaves it out
       }) {
    EXPECT_EQ(Parsed(text).ToString(), shown) << text;
    EXPECT_EQ(Parsed(text).Canonical(), canonical) << text;
  }
}

TEST(QuantityTest, SignOfZeroIsZero) {
  EXPECT_EQ(Parsed("-0.000").Sign(), 0);
  EXPECT_EQ(Parsed("-0.0000000000000000000000").Sign(), 0);
  EXPECT_EQ(Parsed("-1n").Sign(), -1);
  EXPECT_EQ(Parsed("1e2147483647").Sign(), 1);
  EXPECT_TRUE(Quantity().IsZero());
  EXPECT_EQ(Quantity().ToString(), "0");
}

TEST(QuantityTest, DigitsFarBehindThePointStillRoundUp) {
  const std::string zeros(1000, '0');
  EXPECT_EQ(Parsed("1." + zeros).Value(), 1);
  EXPECT_EQ(Parsed("1." + zeros + "1").Value(), 2);
  EXPECT_EQ(Parsed("1." + zeros + "1").Canonical(), "1000000001n");
  EXPECT_EQ(Parsed("1." + zeros + "1Ki").Canonical(), "1024000000001n");
  // One third of a Ki, exact down to the nano: 341.(3).
  EXPECT_EQ(Parsed("0." + std::string(1000, '3') + "Ki").Canonical(), "341333333334n");
  // 0.(9)Ki stays below 1024 but its nanos round up to it.
  EXPECT_EQ(Parsed("0." + std::string(1000, '9') + "Ki").Canonical(), "1Ki");
  // Digits and exponent that cancel.
  EXPECT_EQ(Parsed("25" + zeros + "e-1000").Value(), 25);
  EXPECT_EQ(Parsed("0." + zeros + "25e1001").Value(), 3);
}

// No number of digits and no exponent costs more than reading the text: a cost that grows with the
// square of the length, or with the exponent, runs into the time limit of every test.
TEST(QuantityTest, HostileTextsTakeNoTime) {
  constexpr std::size_t kLength = 2'000'000;
  std::string digits;
  std::string zeros;
  digits.resize(kLength, '7');
  zeros.resize(kLength, '0');
  for (const std::string& text : {
           digits,
           digits + "Ki",
           "0." + digits,
           "-0." + digits + "Ei",
           digits + "e-9999999",
           std::string(digits).append(".").append(digits).append("n"),
           zeros + "1",
           std::string(".").append(zeros).append("1"),
           std::string("1e-2147483647"),
           std::string("1e-2147483648"),
           std::string("1.5e-2147483648"),
           std::string("1e2147483647"),
           std::string("0e2147483647"),
           std::string("999999999999999999999e2147483647"),
           std::string("-999999999999999999999e2147483647"),
           std::string("1000000000000000000e2147483640"),
       }) {
    const Quantity quantity = Parsed(text);
    quantity.Value();
    quantity.MilliValue();
    EXPECT_FALSE(quantity.ToString().empty());
    EXPECT_LT(quantity.Canonical().size(), 60U);
  }
  EXPECT_FALSE(Quantity::Parse(digits + "x"));
  EXPECT_EQ(Parsed(digits + "e-1999999").Canonical(), "7777777778e-9");
}

}  // namespace
}  // namespace downwardfs
