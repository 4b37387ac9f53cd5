// SPDX-License-Identifier: Apache-2.0
#include "json/json_dom.h"

#include <gtest/gtest.h>

#include <vector>

namespace downwardfs::json_dom {
namespace {

TEST(JsonDomTest, ReadsFieldsAndGivesNothingForOthers) {
  Reader reader;
  Object root;
  ASSERT_TRUE(
      reader.Read(R"({"a":"x","n":7,"f":true,"o":{"b":"y"},"l":[{"c":"1"},2,{"c":"3"}]})", &root));
  EXPECT_EQ(Text(root, "a"), "x");
  EXPECT_EQ(Text(root, "n"), "");
  EXPECT_EQ(Number(root, "n"), 7);
  EXPECT_EQ(Number(root, "absent"), 0);
  EXPECT_TRUE(Flag(root, "f"));
  EXPECT_FALSE(Flag(root, "a"));
  Object inner;
  ASSERT_TRUE(Member(root, "o", &inner));
  EXPECT_EQ(Text(inner, "b"), "y");
  EXPECT_FALSE(Member(root, "l", &inner));
  std::vector<std::string> seen;
  EachOf(root, "l", [&](Object item) { seen.emplace_back(Text(item, "c")); });
  EXPECT_EQ(seen, (std::vector<std::string>{"1", "3"}));
}

// Older API servers pass such bytes on.
TEST(JsonDomTest, BytesThatAreNotUtf8AreReadAsQuestionMarksAtTheirPlaces) {
  const std::string json = "{\"a\":\"\xff\xc3\xa9\xe2\x98\",\"b\":\"z\"}";
  Reader reader;
  std::string_view text = json;
  const auto root = reader.Read(&text, /*padded=*/false);
  ASSERT_TRUE(root) << root.error().message;
  EXPECT_EQ(Text(*root, "a"), "?\xc3\xa9??");
  EXPECT_EQ(text.size(), json.size());
  EXPECT_EQ(text.find("\"b\""), json.find("\"b\""));
}

TEST(JsonDomTest, WhatIsNoObjectIsRefusedWithTheRule) {
  Reader reader;
  for (const std::string_view wrong : {"[]", "1", "{", "", "{\"a\":}"}) {
    std::string_view text = wrong;
    const auto root = reader.Read(&text, /*padded=*/false);
    ASSERT_FALSE(root) << wrong;
    EXPECT_EQ(root.error().code, ErrorCode::kInvalidArgument);
  }
  Object root;
  EXPECT_FALSE(reader.Read(std::string("[]"), &root));
}

}  // namespace
}  // namespace downwardfs::json_dom
