// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/resource_ref.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace downwardfs {
namespace {

using ::testing::HasSubstr;

Quantity Divisor(std::string_view text) {
  const auto quantity = Quantity::Parse(text);
  EXPECT_TRUE(quantity) << text;
  return quantity.value_or(Quantity());
}

Json Parsed(std::string_view text) {
  auto json = ParseJson(text);
  EXPECT_TRUE(json) << (json ? "" : json.error().message);
  return json.value_or(Json());
}

// One container "main" with these resources.
Json PodWith(std::string_view resources) {
  Json pod = Parsed(R"({"spec":{"containers":[{"name":"main"}]}})");
  pod["spec"]["containers"][0]["resources"] = Parsed(resources);
  return pod;
}

const Json& Node() {
  static const Json node = Parsed(R"({"status":{"allocatable":
      {"cpu":"3900m","memory":"8Gi","hugepages-2Mi":"64Mi","nvidia.com/gpu":"4"}}})");
  return node;
}

Result<std::string> Value(const Json& pod, const std::string& resource,
                          const Quantity& divisor = {}, const Json* node = &Node(),
                          const std::string& container = "main") {
  return ResourceValue({container, resource, divisor}, pod, node);
}

void ExpectError(const Result<std::string>& value, ErrorCode code,
                 std::initializer_list<const char*> parts) {
  ASSERT_FALSE(value) << *value;
  EXPECT_EQ(value.error().code, code);
  for (const char* part : parts) EXPECT_THAT(value.error().message, HasSubstr(part));
}

TEST(DecodeQuantityTest, TakesStringsNumbersAndNull) {
  struct Case {
    std::string_view json, shown;
  };
  for (const auto& [json, shown] : std::initializer_list<Case>{
           {R"("100m")", "100m"},
           {R"(" 1Ki ")", "1Ki"},
           {"\"\xc2\xa0"
            "1Gi\xe3\x80\x80\"",
            "1Gi"},
           {"15", "15"},
           {"1e3", "1e3"},
           {"0.50", "500m"},
           {"-2", "-2"},
           {"null", "0"},
       }) {
    const auto quantity = DecodeQuantity(Parsed(json));
    ASSERT_TRUE(quantity) << json;
    EXPECT_EQ(quantity->ToString(), shown) << json;
  }
}

TEST(DecodeQuantityTest, RefusesOtherTypesAndTexts) {
  // Control characters are escapes in the JSON text that Kubernetes trims, and so no white space.
  for (const std::string_view json :
       {"true", "{}", "[1]", R"("")", R"("  ")", R"("null")", R"("1K")", R"("1 Gi")", R"("\t1")"}) {
    const auto quantity = DecodeQuantity(Parsed(json));
    ASSERT_FALSE(quantity) << json;
    EXPECT_EQ(quantity.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(ParseResourceNameTest, SplitsTheKubeletsNames) {
  const auto cpu = ParseResourceName("limits.cpu");
  ASSERT_TRUE(cpu);
  EXPECT_TRUE(cpu->is_limit);
  EXPECT_EQ(cpu->name, "cpu");
  EXPECT_FALSE(cpu->is_hugepages || cpu->is_extended);
  const auto pages = ParseResourceName("requests.hugepages-2Mi");
  ASSERT_TRUE(pages);
  EXPECT_FALSE(pages->is_limit);
  EXPECT_TRUE(pages->is_hugepages);
  EXPECT_FALSE(pages->is_extended);
}

TEST(ParseResourceNameTest, ExtendedResourcesHaveADomainOutsideKubernetes) {
  for (const std::string_view resource :
       {"limits.nvidia.com/gpu", "requests.example.org/a.b_c-D"}) {
    const auto name = ParseResourceName(resource);
    ASSERT_TRUE(name) << resource;
    EXPECT_TRUE(name->is_extended);
  }
  for (const std::string_view resource :
       {"limits.gpu", "limits.kubernetes.io/x", "limits.a.kubernetes.io/x", "limits./gpu",
        "limits.nvidia.com/", "limits.a/b/c", "limits.Nvidia.com/gpu", "limits.requests.a.com/b"}) {
    EXPECT_FALSE(ParseResourceName(resource)) << resource;
  }
}

TEST(ParseResourceNameTest, RefusesAllElse) {
  for (const std::string_view resource :
       {"", "cpu", "limits", "limits.", "requests.", "limits.cpu ", " limits.cpu", "limits.CPU",
        "requests.storage", "limits.pods", "limits.hugepages", "hugepages-2Mi",
        "requests.limits.cpu", "limitscpu"}) {
    const auto name = ParseResourceName(resource);
    ASSERT_FALSE(name) << resource;
    EXPECT_EQ(name.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(ValidateDivisorTest, ComparesTheShownForm) {
  struct Case {
    const char* resource;
    std::string_view divisor;
    bool valid;
  };
  for (const auto& [resource, divisor, valid] : std::initializer_list<Case>{
           {"limits.cpu", "1", true},
           {"limits.cpu", "1m", true},
           {"requests.cpu", "1000m", true},
           {"limits.cpu", "0", true},  // unset
           {"limits.cpu", "1k", false},
           {"limits.cpu", "1u", false},
           {"limits.cpu", "+1", false},
           {"limits.memory", "1Mi", true},
           {"limits.memory", "1024Ki", true},
           {"limits.memory", "1000", true},
           {"limits.memory", "1000000k", true},
           {"limits.memory", "1Ei", true},
           {"limits.memory", "1E", true},
           {"limits.memory", "1024", false},
           {"limits.memory", "1m", false},
           {"limits.memory", "1e3", false},
           {"limits.memory", "-1", false},
           {"requests.ephemeral-storage", "1Gi", true},
           {"requests.hugepages-2Mi", "2Mi", false},
           {"requests.hugepages-2Mi", "1Mi", true},
           {"limits.nvidia.com/gpu", "1", true},
           {"limits.nvidia.com/gpu", "2", false},
       }) {
    const auto status = ValidateDivisor({"main", resource, Divisor(divisor)});
    EXPECT_EQ(status.has_value(), valid) << resource << ' ' << divisor;
    if (!status) {
      EXPECT_THAT(status.error().message, HasSubstr(resource));
    }
  }
}

TEST(ResourceValueTest, CpuDividesMilliValuesAndTheOthersValues) {
  const Json pod = PodWith(R"({"limits":{"cpu":"1500m","memory":"1.5Gi","hugepages-2Mi":"6Mi"},
                               "requests":{"cpu":"250m","memory":1e3,"ephemeral-storage":"1"}})");
  EXPECT_EQ(Value(pod, "limits.cpu"), "2");
  EXPECT_EQ(Value(pod, "limits.cpu", Divisor("1m")), "1500");
  EXPECT_EQ(Value(pod, "limits.memory"), "1610612736");
  EXPECT_EQ(Value(pod, "limits.memory", Divisor("1Gi")), "2");
  EXPECT_EQ(Value(pod, "limits.hugepages-2Mi", Divisor("1Mi")), "6");
  EXPECT_EQ(Value(pod, "requests.cpu", Divisor("1m")), "250");
  EXPECT_EQ(Value(pod, "requests.memory"), "1000");
  EXPECT_EQ(Value(pod, "requests.ephemeral-storage", Divisor("1Mi")), "1");
}

TEST(ResourceValueTest, GoesThroughADouble) {
  const Json pod = PodWith(R"({"requests":{"memory":"9007199254740993"}})");
  EXPECT_EQ(Value(pod, "requests.memory"), "9007199254740992");
}

TEST(ResourceValueTest, QuotientsOutsideOfInt64AreTheLeastInt64) {
  // As amd64 converts. The divisors are no valid ones; extraction does not ask.
  const Json pod = PodWith(R"({"requests":{"cpu":"1","memory":"9223372036854775807"}})");
  EXPECT_EQ(Value(pod, "requests.memory"), "-9223372036854775808");
  EXPECT_EQ(Value(pod, "requests.memory", Divisor("-1")), "-9223372036854775808");
}

TEST(ResourceValueTest, UnsetRequestIsZero) {
  EXPECT_EQ(Value(PodWith("{}"), "requests.cpu"), "0");
  EXPECT_EQ(Value(PodWith(R"({"limits":{"memory":"1Gi"}})"), "requests.memory"), "0");
  EXPECT_EQ(Value(PodWith("null"), "requests.memory"), "0");
}

TEST(ResourceValueTest, UnsetOrZeroLimitIsTheNodesAllocatable) {
  EXPECT_EQ(Value(PodWith("{}"), "limits.cpu"), "4");
  EXPECT_EQ(Value(PodWith(R"({"limits":{"memory":"0"}})"), "limits.memory", Divisor("1Gi")), "8");
  EXPECT_EQ(Value(PodWith(R"({"limits":{"memory":null}})"), "limits.memory", Divisor("1Gi")), "8");
  EXPECT_EQ(Value(PodWith(R"({"limits":{"memory":"1n"}})"), "limits.memory"), "1");
  // A node that does not name the resource leaves it at zero.
  EXPECT_EQ(Value(PodWith("{}"), "limits.ephemeral-storage"), "0");
  const Json bare = Json::object();
  EXPECT_EQ(Value(PodWith("{}"), "limits.cpu", {}, &bare), "0");
}

TEST(ResourceValueTest, NoPodLevelLimitStandsInForOneInAVolume) {
  Json pod = PodWith(R"({"limits":{"cpu":"1"}})");
  pod["spec"]["resources"] = Parsed(R"({"limits":{"cpu":"2","memory":"1Gi"}})");
  pod["spec"]["initContainers"] = Parsed(R"([{"name":"init"}])");
  EXPECT_EQ(Value(pod, "limits.memory", Divisor("1Gi")), "8");
  EXPECT_EQ(Value(pod, "limits.cpu", {}, &Node(), "init"), "4");
  ExpectError(Value(pod, "limits.memory", {}, nullptr), ErrorCode::kFailedPrecondition,
              {"allocatable"});
}

Result<std::string> EnvValue(const Json& pod, const std::string& resource,
                             const std::string& named = "", const std::string& own = "main",
                             const Json* node = &Node()) {
  return EnvResourceValue({named, resource, {}}, own, pod, node);
}

// Rule: defaultPodLimitsForDownwardAPI.
TEST(EnvResourceValueTest, PodLevelLimitStandsInWhereTheNodeHasTheResource) {
  Json pod = PodWith(R"({"limits":{"cpu":"1","memory":"0"}})");
  pod["spec"]["resources"] =
      Parsed(R"({"limits":{"cpu":"2","memory":"1Ki","hugepages-2Mi":"2Mi"}})");
  EXPECT_EQ(EnvValue(pod, "limits.cpu"), "1");
  EXPECT_EQ(EnvValue(pod, "limits.memory"), "1024");
  EXPECT_EQ(EnvValue(pod, "limits.memory", "", "main", nullptr), "1024");
  EXPECT_EQ(EnvValue(pod, "limits.hugepages-2Mi"), "0");
  const Json bare = Json::object();
  EXPECT_EQ(EnvValue(pod, "limits.memory", "", "main", &bare), "0");
  pod["spec"]["resources"]["limits"]["memory"] = "0";
  EXPECT_EQ(EnvValue(pod, "limits.memory"), "8589934592");
}

TEST(EnvResourceValueTest, ANamedInitContainerDoesNotFallBack) {
  Json pod = PodWith("{}");
  pod["spec"]["initContainers"] = Parsed(R"([{"name":"init"},
      {"name":"proxy","restartPolicy":"Always","resources":{"limits":{"memory":"5"}}}])");
  EXPECT_EQ(EnvValue(pod, "limits.cpu", "init", "init"), "0");
  EXPECT_EQ(EnvValue(pod, "limits.cpu", "init", "init", nullptr), "0") << "needs no node";
  EXPECT_EQ(EnvValue(pod, "limits.cpu", "", "init"), "4");
  EXPECT_EQ(EnvValue(pod, "limits.cpu", "main", "init"), "4");
  EXPECT_EQ(EnvValue(pod, "limits.cpu", "proxy"), "0");
  EXPECT_EQ(EnvValue(pod, "limits.memory", "proxy"), "5");
}

TEST(EnvResourceValueTest, AnEphemeralContainerHasNoLimitsButTheFallback) {
  Json pod = PodWith("{}");
  pod["spec"]["ephemeralContainers"] = Parsed(R"([{"name":"debug"}])");
  EXPECT_EQ(EnvValue(pod, "limits.cpu", "", "debug"), "4");
  ExpectError(EnvValue(pod, "limits.cpu", "debug", "main"), ErrorCode::kNotFound, {"\"debug\""});
}

TEST(ResourceValueTest, HugepagesAndExtendedResourcesDoNotFallBack) {
  Json pod = PodWith(R"({"requests":{"nvidia.com/gpu":"2"}})");
  pod["spec"]["resources"] = Parsed(R"({"limits":{"hugepages-2Mi":"2Mi"}})");
  EXPECT_EQ(Value(pod, "limits.hugepages-2Mi", {}, nullptr), "0");
  EXPECT_EQ(Value(pod, "limits.nvidia.com/gpu", {}, nullptr), "0");
  EXPECT_EQ(Value(pod, "requests.nvidia.com/gpu", {}, nullptr), "2");
}

TEST(ResourceValueTest, FallbackWithoutANodeSaysWhatIsNeeded) {
  ExpectError(Value(PodWith("{}"), "limits.memory", {}, nullptr), ErrorCode::kFailedPrecondition,
              {"\"main\"", "memory", "allocatable"});
  EXPECT_EQ(
      Value(PodWith(R"({"limits":{"memory":"1Gi"}})"), "limits.memory", Divisor("1Gi"), nullptr),
      "1");
}

TEST(ResourceValueTest, ContainersComeBeforeInitContainersAndTheFirstOfANameWins) {
  const Json pod = Parsed(R"({"spec":{
      "containers":[{"name":"a","resources":{"requests":{"cpu":"1"}}},
                    {"name":"a","resources":{"requests":{"cpu":"2"}}}],
      "initContainers":[{"name":"a","resources":{"requests":{"cpu":"3"}}},
                        {"name":"i","resources":{"requests":{"cpu":"4"}}}],
      "ephemeralContainers":[{"name":"e"}]}})");
  EXPECT_EQ(Value(pod, "requests.cpu", {}, nullptr, "a"), "1");
  EXPECT_EQ(Value(pod, "requests.cpu", {}, nullptr, "i"), "4");
  ExpectError(Value(pod, "requests.cpu", {}, nullptr, "e"), ErrorCode::kNotFound,
              {"\"e\"", "a, a, a, i"});
  ExpectError(Value(pod, "requests.cpu", {}, nullptr, ""), ErrorCode::kNotFound,
              {"container \"\""});
}

TEST(ResourceValueTest, MalformedQuantityNamesContainerResourceAndText) {
  // Also one that was not asked for: the API server would have refused the pod.
  const Json pod = PodWith(R"({"requests":{"cpu":"1"},"limits":{"memory":"1KB"}})");
  for (const char* const resource : {"limits.memory", "requests.cpu"}) {
    ExpectError(Value(pod, resource), ErrorCode::kInvalidArgument,
                {"container \"main\": resources.limits.memory: ", "\"1KB\""});
  }
  Json debugged = PodWith("{}");
  debugged["spec"]["ephemeralContainers"] =
      Parsed(R"([{"name":"debug","resources":{"limits":{"cpu":""}}}])");
  ExpectError(Value(debugged, "requests.cpu"), ErrorCode::kInvalidArgument,
              {"container \"debug\": resources.limits.cpu: quantity \"\""});
  const Json node = Parsed(R"({"status":{"allocatable":{"cpu":"x"}}})");
  ExpectError(Value(PodWith("{}"), "limits.cpu", {}, &node), ErrorCode::kInvalidArgument,
              {"allocatable.cpu", "\"x\""});
}

TEST(ResourceValueTest, WrongTypesNameThePlace) {
  ExpectError(Value(PodWith(R"({"limits":[]})"), "limits.cpu"), ErrorCode::kInvalidArgument,
              {"container \"main\": resources.limits must be an object, not a list"});
  ExpectError(Value(PodWith(R"("x")"), "limits.cpu"), ErrorCode::kInvalidArgument,
              {"resources must be an object"});
  ExpectError(Value(Parsed(R"({"spec":{"containers":{}}})"), "limits.cpu"),
              ErrorCode::kInvalidArgument, {"spec.containers must be a list"});
  ExpectError(Value(Parsed(R"({"spec":{"containers":[1]}})"), "limits.cpu"),
              ErrorCode::kInvalidArgument, {"spec.containers[0] must be an object"});
  ExpectError(Value(Parsed("{}"), "limits.cpu"), ErrorCode::kNotFound, {"\"main\""});
}

}  // namespace
}  // namespace downwardfs
