// SPDX-License-Identifier: Apache-2.0
#include "client/config/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace downwardfs::client {
namespace {

using Kind = YamlNode::Kind;
using testing::HasSubstr;

YamlNode ParseTree(std::string_view text) {
  auto tree = ParseYaml(text);
  EXPECT_TRUE(tree) << (tree ? "" : tree.error().message);
  return tree ? *tree : YamlNode{};
}

std::string YamlError(std::string_view text) {
  const auto tree = ParseYaml(text);
  EXPECT_FALSE(tree) << text;
  return tree ? "" : tree.error().message;
}

struct PlainCase {
  const char* text;
  Kind kind;
};

class PlainScalarTest : public testing::TestWithParam<PlainCase> {};

// As yaml.v2 under kubectl resolves them: `kubectl --kubeconfig` refuses `name: y` for a string.
TEST_P(PlainScalarTest, IsTypedByYaml11) {
  EXPECT_EQ(ParseTree(std::string("v: ") + GetParam().text).items.at(0).kind, GetParam().kind)
      << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    All, PlainScalarTest,
    testing::Values(PlainCase{"", Kind::kNull}, PlainCase{"~", Kind::kNull},
                    PlainCase{"null", Kind::kNull}, PlainCase{"y", Kind::kBool},
                    PlainCase{"No", Kind::kBool}, PlainCase{"on", Kind::kBool},
                    PlainCase{"tRUE", Kind::kString}, PlainCase{"12", Kind::kNumber},
                    PlainCase{"-1_000", Kind::kNumber}, PlainCase{"0x1F", Kind::kNumber},
                    PlainCase{"0b11", Kind::kNumber}, PlainCase{"1e3", Kind::kNumber},
                    PlainCase{".5", Kind::kNumber}, PlainCase{"-.inf", Kind::kNumber},
                    PlainCase{"1e999", Kind::kString}, PlainCase{"1e-999", Kind::kNumber},
                    PlainCase{"1.2.3", Kind::kString}, PlainCase{"0x", Kind::kString},
                    PlainCase{"2001-01-02", Kind::kString}, PlainCase{"12ab", Kind::kString},
                    PlainCase{"'12'", Kind::kString}, PlainCase{"\"yes\"", Kind::kString},
                    PlainCase{"!!str 12", Kind::kString}, PlainCase{"!!int 12", Kind::kNumber}));

TEST(YamlTreeTest, ReadsJsonWithSurrogatePairsAndTabs) {
  const YamlNode tree = ParseTree("{\t\"a\": \"\\ud83d\\ude00\",\n\t\"b\": [true, null, 1.50]}");
  EXPECT_EQ(tree.Find("a")->text, "\xf0\x9f\x98\x80");
  EXPECT_EQ(YamlToJson(tree), "{\"a\":\"\xf0\x9f\x98\x80\",\"b\":[true,null,1.5]}");
}

TEST(YamlTreeTest, AFlowMapIsYamlThoughItBeginsLikeJson) {
  EXPECT_EQ(ParseTree("{a: b}").Find("a")->text, "b");
}

TEST(YamlTreeTest, NothingButCommentsIsNull) {
  EXPECT_EQ(ParseTree("").kind, Kind::kNull);
  EXPECT_EQ(ParseTree("# only\n").kind, Kind::kNull);
  EXPECT_EQ(ParseTree("\xef\xbb\xbf---\n").kind, Kind::kNull);
}

TEST(YamlTreeTest, OfEqualKeysTheLastWins) {
  EXPECT_EQ(YamlToJson(ParseTree("a: 1\nb: 2\na: 3\n")), R"({"a":3,"b":2})");
  EXPECT_EQ(YamlToJson(ParseTree(R"({"a": {"x": 1}, "a": 2})")), R"({"a":2})");
}

TEST(YamlTreeTest, TagsFailNothingThatNobodyUses) {
  EXPECT_EQ(YamlToJson(ParseTree("a: !!binary aGk=\nb: !vault tok\nc: !!timestamp 2020-01-01\n")),
            R"({"a":"hi","b":"tok","c":"2020-01-01"})");
}

TEST(YamlTreeTest, AliasesAndMergeKeysAreExpanded) {
  EXPECT_EQ(YamlToJson(ParseTree("d: &d {a: 1, b: 2}\n"
                                 "e: {<<: *d, b: 3}\n"
                                 "f: *d\n"
                                 "g: {<<: [*d, {a: 7, c: 8}]}\n"
                                 "h: {'<<': 1}\n")),
            R"({"d":{"a":1,"b":2},"e":{"a":1,"b":3},"f":{"a":1,"b":2},)"
            R"("g":{"a":1,"c":8,"b":2},"h":{"<<":1}})");
}

// `kubectl config view` too.
TEST(YamlTreeTest, AMergeKeyTakesEffectAtItsPlace) {
  EXPECT_EQ(YamlToJson(ParseTree("d: &d {a: 1}\ne: {a: 2, <<: *d}\n")),
            R"({"d":{"a":1},"e":{"a":1}})");
}

// Which is what a half-written file looks like.
TEST(YamlTreeTest, AQuoteThatTheEndCutsOffIsAnError) {
  EXPECT_THAT(YamlError("token: \"SECRET"), testing::Not(HasSubstr("SECRET")));
}

// yaml.v2 again: the key `y` is the boolean, and JSON spells it "true".
TEST(YamlTreeTest, AKeyIsTypedToo) {
  EXPECT_EQ(YamlToJson(ParseTree("y: 1")), R"({"true":1})");
}

TEST(YamlTreeTest, BoundsAliasExpansion) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += before + ",";
    bomb += "]\n";
  }
  EXPECT_THAT(YamlError(bomb), HasSubstr("aliases expand to more than 10000 nodes"));
}

TEST(YamlTreeTest, AnAnchorThatNobodyUsesCostsNothing) {
  std::string nested;
  for (int i = 0; i < 60; ++i) nested += "&a" + std::to_string(i) + " [";
  for (int i = 0; i < 300; ++i) nested += "x,";
  nested += std::string(60, ']');
  EXPECT_EQ(ParseTree(nested).kind, YamlNode::Kind::kList);
}

TEST(YamlTreeTest, RefusesAnAliasWithinItsOwnAnchor) {
  EXPECT_THAT(YamlError("a: &a [*a]\n"), HasSubstr("alias"));
}

TEST(YamlTreeTest, BoundsDepth) {
  EXPECT_THAT(YamlError(std::string(100000, '[')), HasSubstr("deeper than 64"));
  std::string json;
  for (int i = 0; i < 100000; ++i) json += "{\"a\":";
  EXPECT_THAT(YamlError(json), HasSubstr("deeper than 64"));
}

TEST(YamlTreeTest, SyntaxErrorsNameThePlaceAndNotTheText) {
  const std::string yaml = YamlError("a: 1\n  SECRET: [\n");
  EXPECT_THAT(yaml, HasSubstr("line "));
  EXPECT_THAT(yaml, testing::Not(HasSubstr("SECRET")));
  const std::string json = YamlError("{\"token\": \"SECRET\",\n \"b\" 1}");
  EXPECT_THAT(json, HasSubstr("line 2"));
  EXPECT_THAT(json, testing::Not(HasSubstr("SECRET")));
  EXPECT_THAT(YamlError("a: \xff\n"), HasSubstr("UTF-8"));
}

// A password may begin with what means something else in YAML.
TEST(YamlTreeTest, ErrorsDoNotQuoteScalars) {
  EXPECT_THAT(YamlError("password: *SECRET\n"),
              testing::AllOf(HasSubstr("line 1, column 11"), testing::Not(HasSubstr("SECRET"))));
  EXPECT_THAT(YamlError("token: !!int SECRET\n"),
              testing::AllOf(HasSubstr("line 1, column 8"), testing::Not(HasSubstr("SECRET"))));
}

TEST(YamlTreeTest, OnlyTheFirstDocumentIsRead) {
  EXPECT_EQ(ParseTree("a: b\n---\n]\n").Find("a")->text, "b");
}

TEST(YamlViewTest, ErrorsNamePathLineAndRuleButNoValue) {
  const YamlNode tree = ParseTree("users:\n- name: a\n  user:\n    token: 123456\n");
  const YamlView root(tree, "");
  const auto user = root.Maps("users")->at(0).Map("user");
  EXPECT_EQ(user->String("token").error().message,
            "users[0].user.token (line 4): must be a string, is a number: put it in quotes");
  EXPECT_EQ(root.Map("users").error().message, "users (line 2): must be a map, is a list");
  EXPECT_EQ(*user->String("absent"), "");
  EXPECT_FALSE(*user->Bool("absent"));
}

}  // namespace
}  // namespace downwardfs::client
