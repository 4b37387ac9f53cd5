// SPDX-License-Identifier: Apache-2.0
// Quantities against the recorded answers of resource.ParseQuantity.
#include <gtest/gtest.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "fs/projection/quantity.h"
#include "fs/projection/resource_ref.h"
#include "tests/projection/magnitude.h"
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

// gtest finds no == between a text and a JSON value in every version of nlohmann/json.
std::string TextIn(const Json& object, const char* member) {
  return object.at(member).get<std::string>();
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
    EXPECT_EQ(FormatName(quantity->format()), TextIn(expected, "format"));
    const std::int64_t value = quantity->Value();
    const std::int64_t millivalue = quantity->MilliValue();
    const std::string shown = quantity->ToString();
    const std::string canonical = quantity->Canonical();
    const long double magnitude = testing::Magnitude(text);
    // Binary amounts are capped, so their value always fits.
    if (!testing::FitsInt64(magnitude) && text.back() != 'i') return;
    ++compared;
    EXPECT_EQ(std::to_string(value), TextIn(expected, "value"));
    EXPECT_EQ(shown, TextIn(expected, "canonical"));
    EXPECT_EQ(canonical, TextIn(expected, "recomputed"));
    if (testing::FitsInt64(magnitude * 1000)) {
      EXPECT_EQ(std::to_string(millivalue), TextIn(expected, "millivalue"));
    }
  });
  // Refusal, sign and format are compared on every line, digits where 64 bits hold them: 87% of the
  // sample. Were a file read wrongly, or the measure of what fits broken, few would be left.
  std::cout << "digits compared on " << compared << " of " << count << " lines\n";
  EXPECT_GE(compared * 4, count * 3);
}

// Quantity.UnmarshalJSON of a JSON value, as one of a container's limits.
TEST(QuantityVectorsTest, JsonValues) {
  testing::ForEachVector("quantity_json.jsonl", [](const auto& vector) {
    SCOPED_TRACE(vector.where);
    const auto bytes = testing::DecodeBase64(vector.in.at("b64").template get<std::string>());
    const auto parsed = ParseJson(R"({"limits":{"cpu":)" + bytes + "}}");
    const auto quantity = parsed ? DecodeQuantity(parsed->at("limits").at("cpu"))
                                 : Result<Quantity>(Fail(parsed.error()));
    ASSERT_EQ(quantity.has_value(), !testing::IsRefused(vector));
    if (quantity) {
      EXPECT_EQ(quantity->ToString(), TextIn(vector.out, "canonical"));
    }
  });
}

}  // namespace
}  // namespace downwardfs
