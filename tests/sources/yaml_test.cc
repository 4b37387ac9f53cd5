// SPDX-License-Identifier: Apache-2.0
// Expected values come from sigs.k8s.io/yaml 1.2.0 over go-yaml 2.2.8, the versions of
// kubectl 1.20.
#include "sources/yaml.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace downwardfs {
namespace {

std::string Converted(std::string_view yaml) {
  auto documents = ParseYamlDocuments(yaml);
  if (!documents) return documents.error().message;
  std::string out;
  for (const Json& document : *documents) out += (out.empty() ? "" : " ") + DumpJson(document);
  return out;
}

struct Case {
  const char* yaml;
  const char* json;
};

class ScalarTest : public testing::TestWithParam<Case> {};

TEST_P(ScalarTest, ResolvesAsGoYaml) {
  EXPECT_EQ(Converted(std::string("[") + GetParam().yaml + "]"),
            std::string("[") + GetParam().json + "]");
}

INSTANTIATE_TEST_SUITE_P(
    Words, ScalarTest,
    testing::Values(Case{"~, null, Null, NULL", "null,null,null,null"},
                    Case{"y, Y, yes, Yes, YES, on, On, ON, true, True, TRUE",
                         "true,true,true,true,true,true,true,true,true,true,true"},
                    Case{"n, N, no, No, NO, off, Off, OFF, false, False, FALSE",
                         "false,false,false,false,false,false,false,false,false,false,false"},
                    Case{"nULL, yEs, oN, tRUE, none", R"("nULL","yEs","oN","tRUE","none")"},
                    Case{"\"yes\", '1', 'null', \"\"", R"("yes","1","null","")"},
                    Case{"2001-01-01, 2001-12-14t21:59:43.10-05:00, 12:30:45",
                         R"("2001-01-01","2001-12-14t21:59:43.10-05:00","12:30:45")"}));

INSTANTIATE_TEST_SUITE_P(
    Numbers, ScalarTest,
    testing::Values(
        Case{"0, 00, 010, 0o17, 0x1F, 0b101, -0b11, 0b-101, 1_000, 1__, +7, -0",
             "0,0,8,15,31,5,-3,-5,1000,1,7,0"},
        Case{"9223372036854775807, 9223372036854775808, 18446744073709551615, -9223372036854775808",
             "9223372036854775807,9223372036854775808,18446744073709551615,-9223372036854775808"},
        Case{"18446744073709551616, +9223372036854775808, -9223372036854775809",
             "18446744073709552000,9223372036854776000,-9223372036854776000"},
        Case{"08, 09, 1e3, 1., .5, -.5e1, 1.50, 1_0.5, .5_0", "8,9,1000,1,0.5,-5,1.5,10.5,0.5"},
        Case{"1e20, 1e21, 1e-6, 1e-7, -0.0, 1e-400",
             "100000000000000000000,1e+21,0.000001,1e-7,0,0"},
        Case{"1e400, 1e, 0x, 0b2, _1, ._5, 1.2.3, Infinity, 100m, 1Ki",
             R"("1e400","1e","0x","0b2","_1","._5","1.2.3","Infinity","100m","1Ki")"}));

INSTANTIATE_TEST_SUITE_P(Tags, ScalarTest,
                         testing::Values(Case{"!!str 1, !!str yes, !!str ", R"("1","yes","")"},
                                         Case{"!!int \"5\", !!float 1, !!bool \"on\", !!null ~",
                                              "5,1,true,null"},
                                         Case{"!mine 5, ! 5", R"("5","5")"},
                                         Case{"!!timestamp 2001-01-01", R"("2001-01-01")"}));

TEST(YamlTest, BlockAndQuotedScalarsKeepTheirLines) {
  EXPECT_EQ(Converted("a: |\n  x\n   y\n\nb: >-\n  x\n  y\n\n  z\nc: \"a\n  b\\n\\u00e9\\N\"\n"),
            "{\"a\":\"x\\n y\\n\",\"b\":\"x y\\nz\",\"c\":\"a b\\n\xc3\xa9\xc2\x85\"}");
}

TEST(YamlTest, KeysBecomeStrings) {
  EXPECT_EQ(Converted("80: a\nyes: b\n1.50: c\n1e6: d\n0x10: e\n.inf: f\n? g\n: h\n"),
            R"({".inf":"f","1.5":"c","16":"e","1e+06":"d","80":"a","g":"h","true":"b"})");
}

TEST(YamlTest, MergeKeysSetAtTheirPlace) {
  EXPECT_EQ(Converted("p: &p {a: 1, b: 1}\nq: &q {b: 2, c: 2}\nz: {a: 0, <<: [*p, *q], c: 3}\n"),
            R"({"p":{"a":1,"b":1},"q":{"b":2,"c":2},"z":{"a":1,"b":1,"c":3}})");
  EXPECT_EQ(Converted("<<: {a: 1}\n"), R"({"a":1})");
  EXPECT_EQ(Converted("\"<<\": 1\n"), R"({"<<":1})");
  EXPECT_EQ(Converted("<<: 1\n"),
            "YAML: line 1, column 5: the value of << must be a mapping or a list of mappings");
}

TEST(YamlTest, AliasesAreExpanded) {
  EXPECT_EQ(Converted("a: &a [1, &b x]\nc: *a\n*b : *b\n"), R"({"a":[1,"x"],"c":[1,"x"],"x":"x"})");
}

TEST(YamlTest, SeveralDocumentsAndEmptyOnes) {
  EXPECT_EQ(Converted("# c\n---\na: 1\n---\n---\n[2]\n...\n"), R"({"a":1} null [2])");
  EXPECT_EQ(Converted(""), "");
  EXPECT_EQ(Converted("\xef\xbb\xbf"
                      "a: 1"),
            R"({"a":1})");
}

// Rules: kubectl's reading, which is go-yaml v2's.
TEST(YamlTest, OfEqualKeysTheLastWins) {
  EXPECT_EQ(Converted("a: {x: 1}\nb: 2\na: {z: 3}\n"), R"({"a":{"z":3},"b":2})");
  EXPECT_EQ(Converted("1: x\n\"1\": z\n"), R"({"1":"z"})");
}

TEST(YamlTest, TagsAreRead) {
  EXPECT_EQ(Converted("a: !!binary |\n  aGVs\n  bG8=\nb: !vault s\nc: !vault 5\n"
                      "d: !!timestamp 2020-01-01\ne: !!str 5\n"),
            R"({"a":"hello","b":"s","c":"5","d":"2020-01-01","e":"5"})");
}

TEST(YamlTest, Utf16AndByteOrderMarksOfAnyDocument) {
  using std::string_literals::operator""s;
  EXPECT_EQ(Converted("\xff\xfe"
                      "a\0:\0 \0\x3d\xd8\0\xde\n\0"s),
            "{\"a\":\"\xf0\x9f\x98\x80\"}");
  EXPECT_EQ(Converted("\xfe\xff\0a\0:\0 \0b"s), R"({"a":"b"})");
  EXPECT_EQ(Converted("a: 1\n---\n\xef\xbb\xbf"
                      "b: 2\n--- # x\n\xef\xbb\xbf"
                      "c: 3\n"),
            R"({"a":1} {"b":2} {"c":3})");
  EXPECT_EQ(Converted("\xff\xfe"
                      "a"),
            "YAML: the UTF-16 text is cut off");
  EXPECT_EQ(Converted("\xff\xfe\0\xd8"s), "YAML: the UTF-16 text has half a character at byte 2");
  EXPECT_EQ(Converted("a: 1\n\xef\xbb\xbf"
                      "b: 2\n"),
            "YAML: line 2, column 1: control characters are not allowed");
}

class RefusedTest : public testing::TestWithParam<Case> {};

TEST_P(RefusedTest, NamesThePlaceInOneLine) {
  EXPECT_EQ(Converted(GetParam().yaml), GetParam().json);
}

INSTANTIATE_TEST_SUITE_P(
    Yaml, RefusedTest,
    testing::Values(
        Case{"a: &a [*a]\n", "YAML: line 1, column 8: the alias stands inside what it refers to"},
        Case{"a: *b\n",
             "YAML: line 1, column 4: unknown anchor; a text that begins with '*' must be in "
             "quotes"},
        Case{"? [a]\n: b\n",
             "YAML: line 1, column 3: a key must be a scalar, not a list or a mapping"},
        Case{"~: b\n", "YAML: line 1, column 1: null cannot be a key"},
        Case{"a: .inf\n", "YAML: line 1, column 4: infinity and NaN cannot be written in JSON"},
        Case{"a: !!int x\n", "YAML: line 1, column 4: the value is not a !!int"},
        Case{"a: !!binary e\n", "YAML: line 1, column 4: the value is not base64, as !!binary is"},
        Case{"a: \xff\n", "YAML: line 1, column 4 (byte 3): not valid UTF-8"},
        Case{"a: 1\nb: \x01\n", "YAML: line 2, column 4: control characters are not allowed"},
        Case{"a: \"b\n",
             "YAML: line 2, column 1: found unexpected end of stream while scanning a quoted "
             "scalar that began at line 1, column 4"},
        Case{"a: [1\n",
             "YAML: line 2, column 1: did not find expected ',' or ']' while parsing a flow "
             "sequence that began at line 1, column 4"},
        Case{"{a: 1} {b: 2}\n", "YAML: line 1, column 8: did not find expected <document start>"}));

TEST(YamlLimitsTest, AliasesCannotMakeAMountainOfAFewLines) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += std::string(j == 0 ? "" : ",") + "*a" + before;
    bomb += "]\n";
  }
  EXPECT_NE(Converted(bomb).find("aliases expand to more than"), std::string::npos);
}

TEST(YamlLimitsTest, AliasesOfALongTextCountItsBytes) {
  std::string bomb = "- &a " + std::string(1 << 20, 'x') + "\n";
  for (int i = 0; i < 65; ++i) bomb += "- *a\n";
  EXPECT_NE(Converted(bomb).find("aliases expand to more than"), std::string::npos);
}

TEST(YamlLimitsTest, DepthIsBoundedInTheTextAndThroughAliases) {
  EXPECT_NE(Converted(std::string(100000, '[')).find("nested deeper than 300"), std::string::npos);
  std::string chain = "a0: &a0 x\n";
  for (int i = 1; i < 400; ++i) {
    chain += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
             "]\n";
  }
  EXPECT_NE(Converted(chain).find("nested deeper than 300"), std::string::npos);
}

}  // namespace
}  // namespace downwardfs
