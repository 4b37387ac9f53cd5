// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/item_spec.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace downwardfs {
namespace {

using ::testing::HasSubstr;

Result<ItemSpec> Decode(std::string_view json) {
  auto value = ParseJson(json);
  EXPECT_TRUE(value);
  return DecodeItemSpec(*value);
}

std::string DecodeError(std::string_view json) {
  const auto spec = Decode(json);
  EXPECT_FALSE(spec) << json;
  return spec ? "" : spec.error().message;
}

TEST(DecodeItemSpecTest, TakesASourceItsInsideAndABareList) {
  for (
      const char* json :
      {R"({"name":"v","downwardAPI":{"defaultMode":256,"items":[{"path":"a"}]}})",
       R"({"defaultMode":256,"items":[{"path":"a"}]})",
       R"({"projected":{"defaultMode":256,"sources":[{"downwardAPI":{"items":[{"path":"a"}]}}]}})"}) {
    const auto spec = Decode(json);
    ASSERT_TRUE(spec) << json;
    EXPECT_EQ(spec->default_mode, 0400);
    ASSERT_EQ(spec->items.size(), 1u);
    EXPECT_EQ(spec->items[0].path, "a");
  }
  EXPECT_EQ(Decode(R"([{"path":"a"},{"path":"b"}])")->items.size(), 2u);
}

TEST(DecodeItemSpecTest, TypeErrorsNameTheItemAndTheMember) {
  EXPECT_EQ(DecodeError(R"({"items":[{"path":"a"},{"path":7}]})"),
            "items[1]: path: must be a string, not the number 7");
  EXPECT_EQ(
      DecodeError(R"([{"path":"m","mode":4e2}])"),
      "items[0] \"m\": mode: must be an integer (0644 in YAML is octal, 420 in JSON), not the "
      "number 4e2");
  EXPECT_EQ(DecodeError(R"([{"path":"m","mode":2147483648}])"),
            "items[0] \"m\": mode: 2147483648 is not a 32-bit number");
  EXPECT_EQ(DecodeError(R"([{"path":"m","fieldRef":"metadata.name"}])"),
            "items[0] \"m\": fieldRef: must be an object, not string");
  EXPECT_THAT(DecodeError(R"([{"path":"m","resourceFieldRef":{"divisor":"1K"}}])"),
              HasSubstr("items[0] \"m\": resourceFieldRef: divisor: "));
}

TEST(DecodeItemSpecTest, AMisspeltKeyOfAnItemsFileIsAnError) {
  EXPECT_THAT(DecodeError(R"({"item":[]})"), HasSubstr("unknown key \"item\""));
  EXPECT_THAT(DecodeError(R"({"downwardAPI":{},"mode":1})"), HasSubstr("unknown key \"mode\""));
  EXPECT_THAT(DecodeError(R"({"defaultMode":1})"), HasSubstr("no items"));
  EXPECT_THAT(DecodeError(R"("x")"), HasSubstr("must be a downwardAPI volume source"));
}

TEST(DecodeItemSpecTest, AMisspeltKeyWithinAnItemIsAnError) {
  EXPECT_THAT(DecodeError(R"([{"path":"a","usr":1}])"),
              HasSubstr("items[0] \"a\": unknown key \"usr\"; known are: path"));
  EXPECT_THAT(DecodeError(R"([{"path":"a","fieldRef":{"fieldPth":"metadata.name"}}])"),
              HasSubstr("fieldRef: unknown key \"fieldPth\""));
  EXPECT_THAT(DecodeError(R"([{"path":"a","resourceFieldRef":{"container":"c"}}])"),
              HasSubstr("resourceFieldRef: unknown key \"container\""));
  EXPECT_THAT(DecodeError(R"({"downwardAPI":{"items":[],"mode":1}})"),
              HasSubstr("downwardAPI: unknown key \"mode\""));
  EXPECT_THAT(DecodeError(R"({"projected":{"sources":[{"downwardAPI":{"item":[]}}]}})"),
              HasSubstr("unknown key \"item\""));
  // In a pod they are a newer API server's.
  const auto pod = ParseJson(R"({"spec":{"volumes":[
      {"name":"v","downwardAPI":{"new":1,"items":[{"path":"a","new":1}]}}]}})");
  EXPECT_TRUE(ItemSpecFromVolume(*pod, "v"));
}

// Rule: KEP-5936, alpha in 1.37.
TEST(DecodeItemSpecTest, UsersOfItemsAndOfTheSource) {
  const auto value =
      ParseJson(R"({"defaultUser":1000,"items":[{"path":"a"},{"path":"b","user":0}]})");
  const auto spec = DecodeItemSpec(*value);
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->default_user, 1000);
  EXPECT_EQ(spec->items[0].user, std::nullopt);
  EXPECT_EQ(spec->items[1].user, 0);
  const auto projected = DecodeItemSpec(*ParseJson(
      R"({"projected":{"defaultUser":7,"sources":[{"downwardAPI":{"items":[{"path":"a"}]}}]}})"));
  ASSERT_TRUE(projected);
  EXPECT_EQ(projected->default_user, 7);
  for (const char* const bad : {"\"1000\"", "1.5", "true", "1e3", "9223372036854775808"}) {
    EXPECT_THAT(DecodeError(R"([{"path":"a","user":)" + std::string(bad) + "}]"),
                HasSubstr("user: must be a user's number"))
        << bad;
  }
}

TEST(ItemSpecFromVolumeTest, SaysWhichVolumesThereAre) {
  const auto pod = ParseJson(
      R"({"spec":{"volumes":[{"name":"a","emptyDir":{}},{"name":"b","projected":{"sources":[
          {"secret":{"name":"s"}}]}},{"name":"c","downwardAPI":{"items":[{"path":"x"}]}}]}})");
  EXPECT_EQ(ItemSpecFromVolume(*pod, "c")->items.size(), 1u);
  EXPECT_EQ(ItemSpecFromVolume(*pod, "d").error().message,
            R"(volume "d": not in the pod's spec.volumes (it has "a", "b", "c"))");
  EXPECT_THAT(ItemSpecFromVolume(*pod, "a").error().message,
              HasSubstr("neither a downwardAPI nor a projected volume"));
  EXPECT_THAT(ItemSpecFromVolume(*pod, "b").error().message, HasSubstr("sources[0].secret"));
  EXPECT_EQ(ItemSpecFromVolume(Json::object(), "a").error().code, ErrorCode::kNotFound);
}

Item FieldItem(std::string path) {
  Item item;
  item.path = std::move(path);
  item.field_ref = FieldRef{"", "metadata.name"};
  return item;
}

TEST(ValidateItemsTest, PathsAreRelativeAndStayInside) {
  const auto error = [](const char* path) {
    const auto valid = ValidateItems(ItemSpec{{FieldItem(path)}, 0644});
    return valid ? std::string() : valid.error().message;
  };
  EXPECT_EQ(error("a/b/..c"), "");
  EXPECT_EQ(error("a..b"), "");
  EXPECT_EQ(error(""), "items[0] \"\": path: required");
  EXPECT_THAT(error("/a"), HasSubstr("must be a relative path"));
  EXPECT_THAT(error("a/../b"), HasSubstr("must not contain '..'"));
  EXPECT_THAT(error("..data"), HasSubstr("must not start with '..'"));
}

TEST(ValidateItemsTest, ExactlyOneReferenceAndAModeOfNineBits) {
  Item item;
  item.path = "a";
  EXPECT_THAT(ValidateItems({{item}, 0644}).error().message,
              HasSubstr("one of fieldRef and resourceFieldRef is required"));
  item = FieldItem("a");
  item.resource_field_ref = ResourceFieldRef{"main", "limits.cpu", {}};
  EXPECT_THAT(ValidateItems({{item}, 0644}).error().message, HasSubstr("must not both be given"));
  item = FieldItem("a");
  item.mode = 01000;
  EXPECT_THAT(ValidateItems({{item}, 0644}).error().message,
              HasSubstr("mode 512: must be between 0 and 0777"));
  EXPECT_THAT(ValidateItems({{}, -1}).error().message, HasSubstr("defaultMode -1"));
}

TEST(ValidateItemsTest, UsersAreNumbersOf31Bits) {
  Item item = FieldItem("a");
  for (const std::int64_t good : {std::int64_t{0}, std::int64_t{2147483647}}) {
    item.user = good;
    EXPECT_TRUE(ValidateItems({{item}, 0644, good}));
  }
  for (const std::int64_t bad : {std::int64_t{-1}, std::int64_t{2147483648}}) {
    item.user = bad;
    EXPECT_THAT(ValidateItems({{item}, 0644}).error().message,
                HasSubstr("user " + std::to_string(bad) + ": must be between 0 and 2147483647"));
    EXPECT_THAT(ValidateItems({{}, 0644, bad}).error().message, HasSubstr("defaultUser"));
    ItemRules ungated;
    ungated.users = false;
    EXPECT_TRUE(ValidateItems({{item}, 0644}, ungated));
  }
}

TEST(ValidateItemsTest, AProjectedVolumeHasNoPathTwice) {
  ItemSpec spec{{FieldItem("a"), FieldItem("a")}, 0644};
  EXPECT_TRUE(ValidateItems(spec));
  spec.projected = true;
  EXPECT_THAT(ValidateItems(spec).error().message, HasSubstr("conflicting duplicate paths"));
}

TEST(ValidateItemsTest, AVolumeNeedsTheContainersName) {
  Item item;
  item.path = "a";
  item.resource_field_ref = ResourceFieldRef{"", "limits.cpu", {}};
  EXPECT_THAT(ValidateItems({{item}, 0644}).error().message,
              HasSubstr("resourceFieldRef.containerName: required"));
}

TEST(ValidateLayoutTest, OneFilePerPathAndNoFileWhereADirectoryIs) {
  const auto error = [](std::vector<std::string> paths) {
    ItemSpec spec;
    for (std::string& path : paths) spec.items.push_back(FieldItem(std::move(path)));
    const auto valid = ValidateLayout(spec);
    return valid ? std::string() : valid.error().message;
  };
  EXPECT_EQ(error({"a", "b/c", "b/d"}), "");
  EXPECT_THAT(error({"a/b", "a//b"}), HasSubstr("another item has the same path"));
  EXPECT_TRUE(ValidateLayout({{FieldItem("a/b"), FieldItem("a//b")}, 0644}, EqualPaths::kLastWins));
  EXPECT_THAT(error({"a/b/c", "a"}),
              HasSubstr("items[1] \"a\": a file here and a directory there"));
  EXPECT_THAT(error({"./"}), HasSubstr("names the volume itself"));
  EXPECT_THAT(error({std::string("a\0b", 3)}), HasSubstr("NUL"));
  EXPECT_THAT(error({std::string(256, 'x')}), HasSubstr("255 bytes"));
  EXPECT_EQ(error({std::string(255, 'x')}), "");
}

TEST(CleanPathTest, IsGosFilepathClean) {
  const std::pair<const char*, const char*> cases[] = {
      {"a", "a"},      {"a//b/./c", "a/b/c"}, {"./a/", "a"}, {"", "."},       {".", "."},
      {"a/../b", "b"}, {"../a", "../a"},      {"a/..", "."}, {"/../a", "/a"}, {"//", "/"}};
  for (const auto& [in, out] : cases) EXPECT_EQ(CleanPath(in), out) << in;
}

}  // namespace
}  // namespace downwardfs
