// SPDX-License-Identifier: Apache-2.0
// The containers that run with a mount that both sides of the plugin have lost.
#include "csi/dead_mounts.h"

#include <string>

#include "tests/support/matchers.h"

namespace downwardfs::testing {
namespace {

constexpr std::int64_t kAnew = 1764223200;  // 2025-11-27T06:00:00Z
constexpr char kBefore[] = R"({"running":{"startedAt":"2025-11-27T05:59:59Z"}})";
constexpr char kAfter[] = R"({"running":{"startedAt":"2025-11-27T06:00:00Z"}})";

std::string Mounting(const std::string& name, const std::string& volume) {
  return R"({"name":")" + name + R"(","volumeMounts":[{"name":")" + volume + R"("}]})";
}
std::string Status(const std::string& name, const std::string& state) {
  return R"({"name":")" + name + R"(","state":)" + state + "}";
}
std::vector<std::string> Dead(const std::string& spec, const std::string& status,
                              const std::string& volume = "info") {
  const TextObject pod({}, "{\"spec\":{" + spec + "},\"status\":{" + status + "}}");
  return ContainersWithDeadMount(pod, volume, kAnew);
}

TEST(DeadMountsTest, AContainerThatStartedBeforeTheNewMountHasTheDeadOne) {
  const std::string spec =
      "\"containers\":[" + Mounting("a", "info") + "," + Mounting("b", "info") + "]";
  EXPECT_THAT(Dead(spec, "\"containerStatuses\":[" + Status("a", kBefore) + "," +
                             Status("b", kAfter) + "]"),
              ElementsAre("a"));
}

TEST(DeadMountsTest, OnlyRunningContainersThatMountTheVolumeCount) {
  const std::string spec =
      "\"containers\":[" + Mounting("a", "info") + "," + Mounting("b", "cache") + "]";
  EXPECT_THAT(Dead(spec, "\"containerStatuses\":[" +
                             Status("a", R"({"waiting":{"reason":"CrashLoopBackOff"}})") + "," +
                             Status("b", kBefore) + "]"),
              IsEmpty());
  // Outside the kubelet's directory nobody knows the volume's name.
  EXPECT_THAT(Dead(spec, "\"containerStatuses\":[" + Status("b", kBefore) + "]", ""),
              ElementsAre("b"));
}

TEST(DeadMountsTest, SidecarsAndEphemeralContainersAreLookedAtToo) {
  EXPECT_THAT(Dead("\"initContainers\":[" + Mounting("side", "info") +
                       "],\"ephemeralContainers\":[" + Mounting("debug", "info") + "]",
                   "\"initContainerStatuses\":[" + Status("side", kBefore) +
                       "],\"ephemeralContainerStatuses\":[" + Status("debug", kBefore) + "]"),
              ElementsAre("side", "debug"));
}

TEST(DeadMountsTest, APodOfAnotherFormHasNone) {
  const std::string one = "\"containers\":[" + Mounting("a", "info") + "]";
  for (const std::string status :
       {R"("containerStatuses":7)", R"("containerStatuses":[7,{"name":3}])",
        R"("containerStatuses":[{"name":"a","state":{"running":{"startedAt":"soon"}}}])",
        R"("containerStatuses":[{"name":"a","state":{"running":{"startedAt":9}}}])", ""}) {
    EXPECT_THAT(Dead(one, status), IsEmpty()) << status;
  }
  EXPECT_THAT(Dead(R"("containers":{"name":"a"})", ""), IsEmpty());
  EXPECT_THAT(ContainersWithDeadMount(TextObject({}, "[1]"), "info", kAnew), IsEmpty());
  EXPECT_THAT(ContainersWithDeadMount(TextObject({}, "no json"), "info", kAnew), IsEmpty());
}

TEST(DeadMountsTest, TheWordsNameTheContainersAndTheCure) {
  EXPECT_EQ(DescribeDeadMount({}), "");
  const std::string words = DescribeDeadMount({"a", "b"});
  EXPECT_THAT(words, HasSubstr("(a, b)"));
  EXPECT_THAT(words, HasSubstr("restart these containers or delete the pod"));
}

}  // namespace
}  // namespace downwardfs::testing
