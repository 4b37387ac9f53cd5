// SPDX-License-Identifier: Apache-2.0
// Which items the API server accepts, against its recorded answers.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fs/projection/item_spec.h"
#include "tests/projection/vectors.h"

namespace downwardfs {
namespace {

// The line's items as a volume of a pod, in the form that the line asks for.
Json PodWith(const Json& in) {
  Json items = in.value("items", Json::array());
  Json source;
  if (in.value("projected", false)) {
    source["projected"]["sources"] = Json::array({Json{{"downwardAPI", {{"items", items}}}}});
    if (in.contains("defaultMode")) source["projected"]["defaultMode"] = in["defaultMode"];
  } else {
    source["downwardAPI"]["items"] = items;
    if (in.contains("defaultMode")) source["downwardAPI"]["defaultMode"] = in["defaultMode"];
  }
  source["name"] = "v";
  return Json{{"spec", {{"volumes", Json::array({source})}}}};
}

TEST(KubeletVectors, ItemsAreValidWhereTheApiServerSaysSo) {
  std::size_t accepted = 0;
  const std::size_t lines = testing::ForEachVector("validate.jsonl", [&](const auto& vector) {
    SCOPED_TRACE(vector.where);
    ItemRules rules;
    rules.kubelet_only = true;
    rules.hugepages = vector.in.value("hugepages", false);
    rules.unique_paths = vector.in.value("projected", false);
    auto spec = ItemSpecFromVolume(PodWith(vector.in), "v");
    const bool valid = spec && ValidateItems(*spec, rules);
    EXPECT_EQ(valid, vector.out.value("valid", false));
    if (valid) {
      EXPECT_EQ(spec->default_mode, vector.out.value("defaultMode", 0));
      ++accepted;
    }
    // What the kubelet takes, we take without --strict too.
    ItemRules ours;
    ours.unique_paths = rules.unique_paths;
    EXPECT_TRUE(!valid || ValidateItems(*spec, ours));
  });
  EXPECT_GT(accepted, lines / 10);
}

}  // namespace
}  // namespace downwardfs
