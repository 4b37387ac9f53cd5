// SPDX-License-Identifier: Apache-2.0
#include "tests/projection/vectors.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace downwardfs::testing {
namespace {

TEST(VectorsTest, Base64DecodesEveryPadding) {
  EXPECT_EQ(DecodeBase64(""), "");
  EXPECT_EQ(DecodeBase64("Zg=="), "f");
  EXPECT_EQ(DecodeBase64("Zm8="), "fo");
  EXPECT_EQ(DecodeBase64("Zm9v"), "foo");
  EXPECT_EQ(DecodeBase64("//79"), "\xff\xfe\xfd");
}

TEST(VectorsTest, Utf8OfEveryLength) {
  EXPECT_EQ(Utf8(U'a'), "a");
  EXPECT_EQ(Utf8(U'\u00e9'), "\u00e9");
  EXPECT_EQ(Utf8(U'\u6f22'), "\u6f22");
  EXPECT_EQ(Utf8(U'\U0001f389'), "\U0001f389");
}

TEST(VectorsTest, MembersAreFoundPlainOrInBase64) {
  const Json object = {{"a", "x"}, {"b_b64", "/w=="}};
  EXPECT_EQ(BytesMember(object, "a"), "x");
  EXPECT_EQ(BytesMember(object, "b"), "\xff");
  EXPECT_EQ(BytesMember(object, "c", "none"), "none");
}

TEST(VectorsTest, PodInBase64HasNoBytesThatAreNotUtf8) {
  const auto pod = PodOf(Json{{"pod_b64", "eyJhIjoi/yJ9"}});
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->at("a"), "\xef\xbf\xbd");
}

}  // namespace
}  // namespace downwardfs::testing
