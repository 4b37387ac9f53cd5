// SPDX-License-Identifier: Apache-2.0
// resourceFieldRef against the recorded answers of the kubelet's extraction.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "fs/projection/resource_ref.h"
#include "tests/projection/magnitude.h"
#include "tests/projection/vectors.h"

namespace downwardfs {
namespace {

// The change that the API server makes to a pod before it stores it: limits become requests where
// there are none. It also rounds amounts up to a milli, which changes no value here: rounding up
// twice is rounding up once.
void ApplyDefaults(Json& pod) {
  for (const char* const list : {"containers", "initContainers"}) {
    Json& containers = pod["spec"][list];
    for (std::size_t i = 0; i < containers.size(); ++i) {
      if (!containers[i].contains("resources")) continue;
      Json& resources = containers[i]["resources"];
      if (!resources.is_object() || !resources.contains("limits")) continue;
      for (const auto& [name, limit] : resources["limits"].items()) {
        if (!resources["requests"].contains(name)) resources["requests"][name] = limit;
      }
    }
    if (containers.is_null()) pod["spec"].erase(list);
  }
}

// Whether `amount` fits 64 bits, in thousandths for cpu. An amount that is no quantity counts as
// small.
bool Fits(const Json& amount, bool cpu) {
  const auto quantity = DecodeQuantity(amount);
  if (!quantity) return true;
  std::string text =
      amount.is_string() ? amount.get<std::string>() : NumberText(amount).value_or("0");
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  if (!cpu && text.back() == 'i') return true;  // capped
  return testing::FitsInt64(testing::Magnitude(text) * (cpu ? 1000 : 1));
}

// The same of every amount of the resource `name` in lists anywhere below `value`.
bool AllFit(const Json& value, const std::string& name) {
  if (!value.is_structured()) return true;
  for (const auto& [key, member] : value.items()) {
    if (key == name ? !Fits(member, name == "cpu") : !AllFit(member, name)) return false;
  }
  return true;
}

Result<std::string> Evaluate(const Json& in, Json pod) {
  if (in.value("defaults", false)) ApplyDefaults(pod);
  ResourceFieldRef ref;
  ref.container_name = in.at("container").get<std::string>();
  ref.resource = in.at("resource").get<std::string>();
  if (in.contains("divisor")) {
    auto divisor = DecodeQuantity(in.at("divisor"));
    if (!divisor) return Fail(divisor.error());
    ref.divisor = *divisor;
  }
  for (const auto& amount : in.value("allocatable", Json::object())) {
    if (auto checked = DecodeQuantity(amount); !checked) return Fail(checked.error());
  }
  const Json node = {{"status", {{"allocatable", in.value("allocatable", Json::object())}}}};
  return ResourceValue(ref, pod, &node);
}

TEST(ResourceVectorsTest, AgreeWithTheKubeletWithin64Bits) {
  std::size_t compared = 0;
  const std::size_t count = testing::ForEachVector("resource.jsonl", [&](const auto& vector) {
    SCOPED_TRACE(vector.where);
    const auto pod = testing::PodOf(vector.in);
    ASSERT_TRUE(pod);
    const auto value = Evaluate(vector.in, *pod);
    const auto name = ParseResourceName(vector.in.at("resource").template get<std::string>());
    if (name && name->is_extended) return;  // beyond the kubelet
    if (!testing::IsRefused(vector)) {
      ASSERT_TRUE(value && name) << value.error().message;
      if (!AllFit(vector.in, name->name)) return;
      if (!Fits(vector.in.value("divisor", Json()), name->name == "cpu")) return;
      EXPECT_EQ(*value, testing::BytesMember(vector.out, "result"));
    } else {
      EXPECT_FALSE(value);
    }
    ++compared;
  });
  std::cout << "compared " << compared << " of " << count << " lines\n";
  EXPECT_GE(compared * 10, count * 8);
}

}  // namespace
}  // namespace downwardfs
