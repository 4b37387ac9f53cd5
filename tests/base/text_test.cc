// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

namespace downwardfs {
namespace {

TEST(Utf8Test, RefusesOverlongSurrogateAndTruncatedForms) {
  EXPECT_TRUE(IsValidUtf8("a\xc3\xa9\xe2\x98\x83\xf0\x9f\x98\x80"));
  EXPECT_EQ(FirstInvalidUtf8("ab\xc0\x80"), 2u);        // overlong NUL
  EXPECT_EQ(FirstInvalidUtf8("\xed\xa0\x80"), 0u);      // U+D800
  EXPECT_EQ(FirstInvalidUtf8("\xf4\x90\x80\x80"), 0u);  // above U+10FFFF
  EXPECT_EQ(FirstInvalidUtf8("abc\xe2\x98"), 3u);       // cut off
}

TEST(Utf8Test, EachInvalidByteIsReplaced) {
  std::string text = "a\xff\xe2\x98z\xc3\xa9\xed\xa0\x80";
  ReplaceInvalidUtf8(text, '?');
  EXPECT_EQ(text, "a???z\xc3\xa9???");
}

TEST(AsciiLowerTest, OtherLettersStay) {
  EXPECT_EQ(AsciiLower("AbZ@[\xc3\x89"), "abz@[\xc3\x89");
}

TEST(QuoteForMessageTest, HostileInputStaysOneShortLine) {
  EXPECT_EQ(QuoteForMessage("a\nb\x1b[31m\"\\"), R"("a\x0ab\x1b[31m\"\\")");
  EXPECT_EQ(QuoteForMessage("\xff\xc2\x85"), R"("\xff\xc2\x85")");
  EXPECT_EQ(QuoteForMessage("\xc3\xa9\xc3\xa9", 3), "\"\xc3\xa9...\"");  // not cut within é
}

TEST(ConcatTest, PutsPartsBehindOneAnother) {
  EXPECT_EQ(Concat({}), "");
  EXPECT_EQ(Concat({"a", "", std::string_view("b\0c", 3)}), std::string("ab\0c", 4));
}

TEST(OneLineTest, KeepsPrintableTextAndQuotes) {
  EXPECT_EQ(OneLine("x: \"y\"\r\nz \xc3\xa9"), "x: \"y\"\\x0d\\x0az \xc3\xa9");
}

TEST(FoldLinesTest, ALineBreakIsASpace) {
  EXPECT_EQ(FoldLines("Install it:\n  $ brew install x\r\n\n\tthen  retry\n"),
            "Install it: $ brew install x then  retry");
  EXPECT_EQ(FoldLines("\n\n"), "");
  EXPECT_EQ(FoldLines("a\x1b[31m\nb"), "a\\x1b[31m b");  // codes that hide text stay escaped
}

TEST(Utf8Test, EachRuneIsAppendedInUtf8) {
  std::string text;
  for (const char32_t rune : {U'a', U'\u00e9', U'\u20ac', U'\U0001f600', U'\U0010ffff'}) {
    AppendUtf8(text, rune);
  }
  EXPECT_EQ(text, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf");
  EXPECT_TRUE(IsValidUtf8(text));
}

}  // namespace
}  // namespace downwardfs
