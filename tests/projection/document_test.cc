// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/document.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace downwardfs {
namespace {

std::string ParsedString(std::string_view json) {
  auto parsed = ParseJson(json);
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

// Rule: Go's encoding/json decodes an equal key into the value that it has begun.
TEST(ParseJsonTest, DuplicateKeysAreMergedAsGoMergesThem) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"a":1,"a":2})", R"({"a":2})"},
      {R"({"a":{"x":1,"z":{"p":1}},"a":{"x":3,"y":2,"z":{"q":2}}})",
       R"({"a":{"x":3,"y":2,"z":{"p":1,"q":2}}})"},
      {R"({"a":[{"n":1,"m":2},{"n":5}],"a":[{"n":3}]})", R"({"a":[{"m":2,"n":3}]})"},
      {R"({"a":[1],"a":[{"n":3},4]})", R"({"a":[{"n":3},4]})"},
      {R"({"a":[1,2],"a":[]})", R"({"a":[]})"},
      {R"({"a":{"x":1},"a":null})", R"({"a":null})"},
      {R"({"a":"x","a":null})", R"({"a":"x"})"},
      {R"({"a":{"x":1},"a":"text"})", R"({"a":"text"})"},
      {R"({"a":"text","a":{"x":1}})", R"({"a":{"x":1}})"},
  };
  for (const auto& [in, out] : cases) {
    auto parsed = ParseJson(in);
    ASSERT_TRUE(parsed) << in;
    EXPECT_EQ(DumpJson(*parsed), out) << in;
  }
}

// Rule: Kubernetes' decoder since 1.23 is Go's encoding/json.
TEST(ParseJsonTest, EachByteThatIsNotUtf8IsAReplacementCharacter) {
  EXPECT_EQ(ParsedString("\"\xef\xbf\xc3(\""), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd(");
  EXPECT_EQ(ParsedString("\"\xed\xa0\x80\""), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  // U+FDD0, the mark that is used inside, survives beside a bad byte, escaped or not.
  EXPECT_EQ(ParsedString("\"\xff\xef\xb7\x90\\ufdd0\\ufdd0"
                         "0041\""),
            "\xef\xbf\xbd\xef\xb7\x90\xef\xb7\x90\xef\xb7\x90"
            "0041");
  EXPECT_FALSE(ParseJson("{\"a\xff\":1}")->contains("a\xff")) << "keys too";
}

TEST(ParseJsonTest, LoneSurrogatesBecomeReplacementCharacters) {
  EXPECT_EQ(ParsedString(R"("\ud800x")"), "\xef\xbf\xbdx");
  EXPECT_EQ(ParsedString(R"("\udc00\ud800")"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(ParsedString(R"("\ud83d\ude00")"), "\xf0\x9f\x98\x80");
  EXPECT_EQ(ParsedString(R"("\ud800\ud83d\ude00")"), "\xef\xbf\xbd\xf0\x9f\x98\x80");
}

// Rule: Quantity.UnmarshalJSON takes the text between the quotes as it stands.
TEST(ParseJsonTest, EscapesStayInQuantitiesOnly) {
  auto parsed = ParseJson(
      R"({"limits":{"cpu":"\u0031"},"divisor":"1\u2028","labels":{"a":"\u0031\u2028\u0041"},)"
      R"("x":{"cpu":"\u0031m"}})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->at("limits").at("cpu"), R"(\u0031)");
  EXPECT_EQ(parsed->at("divisor"), R"(1\u2028)");
  EXPECT_EQ(parsed->at("labels").at("a"),
            "1\xe2\x80\xa8"
            "A");
  EXPECT_EQ(parsed->at("x").at("cpu"), "1m");
  // Written and read again, as a file's objects are, it is still no quantity.
  EXPECT_EQ(ParseJson(DumpJson(*parsed))->at("limits").at("cpu"), R"(\u0031)");
}

TEST(DumpJsonTest, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(DumpJson(Json{{"a", "\xffx\n\xc3\xa9\xc3"}}),
            "{\"a\":\"\xef\xbf\xbdx\\n\xc3\xa9\xef\xbf\xbd\"}");
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
