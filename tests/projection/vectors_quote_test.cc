// SPDX-License-Identifier: Apache-2.0
// Quoting against the recorded answers of Go's strconv.Quote.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fs/projection/go_quote.h"
#include "tests/projection/unicode_since_13.h"
#include "tests/projection/vectors.h"

namespace downwardfs {
namespace {

TEST(QuoteVectorsTest, AgreeWithGo) {
  testing::ForEachVector("quote.jsonl", [](const auto& vector) {
    SCOPED_TRACE(vector.where);
    const auto bytes = testing::DecodeBase64(vector.in.at("b64").template get<std::string>());
    const std::string quoted = GoQuote(bytes);
    const std::string recorded = testing::BytesMember(vector.out, "result");
    EXPECT_TRUE(testing::SameButForNewCodePoints(quoted, recorded)) << quoted << '\n' << recorded;
  });
}

}  // namespace
}  // namespace downwardfs
