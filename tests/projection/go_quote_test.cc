// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/go_quote.h"

#include <gtest/gtest.h>

#include "tests/projection/vectors.h"

namespace downwardfs {
namespace {

struct Case {
  std::string_view bytes, quoted;
};

void Check(std::initializer_list<Case> cases) {
  for (const auto& [bytes, quoted] : cases) EXPECT_EQ(GoQuote(bytes), quoted) << bytes;
}

TEST(GoQuoteTest, PrintableRunesStay) {
  Check({
      {"", R"("")"},
      {"web-1 ~!", R"("web-1 ~!")"},
      {"caf\u00e9 \u6f22\u5b57 \U0001f389", "\"caf\u00e9 \u6f22\u5b57 \U0001f389\""},
      {"e\u0301", "\"e\u0301\""},            // a mark
      {"\u2603\u20ac", "\"\u2603\u20ac\""},  // symbols
      {"\ufffd", "\"\ufffd\""},              // itself, where it is well encoded
  });
}

TEST(GoQuoteTest, QuoteAndBackslashAreEscaped) {
  Check({{R"(a"b\c)", R"("a\"b\\c")"}, {"'", R"("'")"}});
}

TEST(GoQuoteTest, ControlCharactersHaveGoNames) {
  Check({
      {"\a\b\f\n\r\t\v", R"("\a\b\f\n\r\t\v")"},
      {std::string_view("\0\x01\x1f\x7f", 4), R"("\x00\x01\x1f\x7f")"},
      {"\u0080\u009f", R"("\u0080\u009f")"},  // \u, not \x, from 0x80 on
  });
}

TEST(GoQuoteTest, SpacesOtherThanTheAsciiOneAreEscaped) {
  Check({{"\u00a0\u1680\u2003\u2028\u2029\u3000", R"("\u00a0\u1680\u2003\u2028\u2029\u3000")"}});
}

TEST(GoQuoteTest, FormatPrivateAndUnassignedRunesAreEscaped) {
  Check({
      {"\u00ad\u200b\u200d\ufeff", R"("\u00ad\u200b\u200d\ufeff")"},
      {"\ue000\U000f0000\U0010ffff", R"("\ue000\U000f0000\U0010ffff")"},
      {"\u0378\ufffe\U000e0001", R"("\u0378\ufffe\U000e0001")"},
  });
}

TEST(GoQuoteTest, BytesThatAreNotUtf8AreEscapedOneByOne) {
  Check({
      {"\xff", R"("\xff")"},
      {"a\xc0\x80z", R"("a\xc0\x80z")"},              // overlong
      {"\xed\xa0\x80", R"("\xed\xa0\x80")"},          // surrogate
      {"\xf4\x90\x80\x80", R"("\xf4\x90\x80\x80")"},  // above U+10FFFF
      {"\xe2\x98", R"("\xe2\x98")"},                  // cut off
      {"\xe2\x98z", R"("\xe2\x98z")"},
      {"\xe2\xe2\x98\x83", "\"\\xe2\u2603\""},
  });
}

// Go since 1.21, and so the current kubelet, has the tables of Unicode 15: 149,186 characters, less
// 170 format characters, 16 spaces other than U+0020 and 2 separators. (Compared with Go's own
// Unicode 13 tables, code point by code point, GoQuote differs in 5,318, all of them assigned in 14
// and 15.) A later utf8proc knows more.
TEST(GoQuoteTest, PrintableRunesAreThoseOfUnicode15) {
  int printable = 0;
  for (char32_t rune = 0; rune <= 0x10ffff; ++rune) {
    if (rune == 0xd800) rune = 0xe000;
    const std::string bytes = testing::Utf8(rune);
    const std::string quoted = GoQuote(bytes);
    if (quoted == '"' + bytes + '"' || quoted == "\"\\" + bytes + '"') ++printable;
  }
  EXPECT_GE(printable, 148998);
  EXPECT_LE(printable, 148998 + 15000);
  EXPECT_EQ(GoQuote("\U0001fae8"), "\"\U0001fae8\"");
}

}  // namespace
}  // namespace downwardfs
