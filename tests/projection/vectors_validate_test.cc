// SPDX-License-Identifier: Apache-2.0
// Which items the API server accepts, against its recorded answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fs/projection/item_spec.h"
#include "tests/projection/vectors.h"

namespace downwardfs {
namespace {

void CopyDefaults(const Json& in, Json& source) {
  for (const char* const name : {"defaultMode", "defaultUser"}) {
    if (in.contains(name)) source[name] = in[name];
  }
}

// The line's items as a volume of a pod, in the form that the line asks for.
Json PodWith(const Json& in) {
  Json items = in.value("items", Json::array());
  Json source;
  if (in.value("projected", false)) {
    source["projected"]["sources"] = Json::array({Json{{"downwardAPI", {{"items", items}}}}});
    CopyDefaults(in, source["projected"]);
  } else {
    source["downwardAPI"]["items"] = items;
    CopyDefaults(in, source["downwardAPI"]);
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
    const Json gates = vector.in.value("gates", Json::array());
    rules.users =
        std::find(gates.begin(), gates.end(), "AtomicWriteVolumeUserFields") != gates.end();
    auto spec = ItemSpecFromVolume(PodWith(vector.in), "v");
    const bool valid = spec && ValidateItems(*spec, rules);
    EXPECT_EQ(valid, vector.out.value("valid", false));
    if (valid) {
      EXPECT_EQ(spec->default_mode, vector.out.value("defaultMode", 0));
      if (rules.users) {
        EXPECT_EQ(spec->default_user.value_or(-1), vector.out.value("defaultUser", -1));
        const Json users = vector.out.value("users", Json::object());
        for (std::size_t i = 0; i < spec->items.size(); ++i) {
          EXPECT_EQ(spec->items[i].user.value_or(-1), users.value(std::to_string(i), -1));
        }
      }
      ++accepted;
    }
    // Items that the kubelet takes, we take without --strict too.
    ItemRules ours;
    ours.users = rules.users;
    EXPECT_TRUE(!valid || ValidateItems(*spec, ours));
  });
  EXPECT_GT(accepted, lines / 10);
}

}  // namespace
}  // namespace downwardfs
