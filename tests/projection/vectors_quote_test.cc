// SPDX-License-Identifier: Apache-2.0
// Quoting against the recorded answers of Go's strconv.Quote.
#include <gtest/gtest.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "fs/projection/go_quote.h"
#include "tests/projection/vectors.h"

namespace downwardfs {
namespace {

// The Go that answered knows Unicode 13, GoQuote Unicode 15. So an escape of a rune that GoQuote
// holds for printable is replaced by the rune itself; that those are the runes of Unicode 14 and 15
// and no others is for go_quote_test to say.
std::string WithNewRunes(std::string_view quoted) {
  std::string out;
  while (!quoted.empty()) {
    std::size_t size = quoted[0] == '\\' ? 2 : 1;
    if (size == 2 && quoted[1] == 'u') size = 6;
    if (size == 2 && quoted[1] == 'U') size = 10;
    const std::string token(quoted.substr(0, size));
    quoted.remove_prefix(size);
    if (size < 6) {
      out += token;
      continue;
    }
    const auto rune = static_cast<char32_t>(std::stoul(token.substr(2), nullptr, 16));
    const std::string bytes = testing::Utf8(rune);
    out += GoQuote(bytes) == '"' + bytes + '"' ? bytes : token;
  }
  return out;
}

TEST(QuoteVectorsTest, AgreeWithGo) {
  std::size_t newer = 0;
  const std::size_t count = testing::ForEachVector("quote.jsonl", [&newer](const auto& vector) {
    SCOPED_TRACE(vector.where);
    const auto bytes = testing::DecodeBase64(vector.in.at("b64").template get<std::string>());
    const std::string expected = testing::BytesMember(vector.out, "result");
    const std::string updated = WithNewRunes(expected);
    EXPECT_EQ(GoQuote(bytes), updated);
    if (updated != expected) ++newer;
  });
  std::cout << newer << " of " << count << " lines hold runes newer than Unicode 13\n";
  EXPECT_LE(newer * 10, count);
}

}  // namespace
}  // namespace downwardfs
