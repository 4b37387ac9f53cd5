// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/document.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace downwardfs {
namespace {

std::string ParsedString(std::string_view json, InvalidUtf8 policy = InvalidUtf8::kKeep) {
  auto parsed = ParseJson(json, policy);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed ? parsed->get<std::string>() : "";
}

TEST(ParseJsonTest, NumbersKeepTheirText) {
  auto parsed = ParseJson(R"({"a":1e3,"b":0.0010,"c":15,"d":99999999999999999999})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(NumberText(parsed->at("a")), "1e3");
  EXPECT_EQ(NumberText(parsed->at("b")), "0.0010");
  EXPECT_EQ(NumberText(parsed->at("c")), "15");
  EXPECT_EQ(NumberText(parsed->at("d")), "99999999999999999999");
  EXPECT_EQ(DumpJson(*parsed), R"({"a":1e3,"b":0.0010,"c":15,"d":99999999999999999999})");
}

TEST(ParseJsonTest, LastOfDuplicateKeysWins) {
  auto parsed = ParseJson(R"({"a":{"x":1},"a":{"y":2}})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(DumpJson(*parsed), R"({"a":{"y":2}})");
}

TEST(ParseJsonTest, BytesThatAreNotUtf8AreKeptOrReplaced) {
  EXPECT_EQ(ParsedString("\"\xef\xbf\xc3(\""), "\xef\xbf\xc3(");
  EXPECT_EQ(ParsedString("\"\xef\xbf\xc3(\"", InvalidUtf8::kReplace),
            "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd(");
  // U+FDD0, the mark that is used inside, survives beside a bad byte, escaped or not.
  EXPECT_EQ(ParsedString("\"\xff\xef\xb7\x90\\ufdd0\\ufdd0"
                         "41\""),
            "\xff\xef\xb7\x90\xef\xb7\x90\xef\xb7\x90"
            "41");
}

TEST(DumpJsonTest, BytesThatAreNotUtf8AreReplacedOrKept) {
  auto parsed = ParseJson("{\"a\":\"\xffx\\n\xc3\xa9\xc3\"}");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(DumpJson(*parsed), "{\"a\":\"\xef\xbf\xbdx\\n\xc3\xa9\xef\xbf\xbd\"}");
  EXPECT_EQ(DumpJson(*parsed, -1, InvalidUtf8::kKeep), "{\"a\":\"\xffx\\n\xc3\xa9\xc3\"}");
}

TEST(ParseJsonTest, LoneSurrogatesBecomeReplacementCharacters) {
  EXPECT_EQ(ParsedString(R"("\ud800x")"), "\xef\xbf\xbdx");
  EXPECT_EQ(ParsedString(R"("\udc00\ud800")"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(ParsedString(R"("\ud83d\ude00")"), "\xf0\x9f\x98\x80");
  // json-iterator consumes the escape after a surrogate, encoding/json does not.
  EXPECT_EQ(ParsedString(R"("\ud800\ud83d\ude00")"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(ParsedString(R"("\ud800\ud83d\ude00")", InvalidUtf8::kReplace),
            "\xef\xbf\xbd\xf0\x9f\x98\x80");
}

TEST(ParseJsonTest, ErrorsNameThePlaceInOneLine) {
  auto parsed = ParseJson("{\"a\":\n tru}");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(parsed.error().message.find("line 2"), std::string::npos) << parsed.error().message;
  EXPECT_EQ(parsed.error().message.find('\n'), std::string::npos);
  EXPECT_FALSE(ParseJson(""));
  EXPECT_FALSE(ParseJson("{} x"));
  EXPECT_FALSE(ParseJson("[\"\xff"));
}

TEST(ParseJsonTest, DepthIsBounded) {
  EXPECT_FALSE(ParseJson(std::string(100000, '[')));
  EXPECT_TRUE(ParseJson(std::string(1000, '[') + std::string(1000, ']')));
}

}  // namespace
}  // namespace downwardfs
