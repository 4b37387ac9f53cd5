// SPDX-License-Identifier: Apache-2.0
// pods.txt follows kubectl: printPod of Kubernetes' pkg/printers/internalversion/printers.go.
#include "fs/cluster/pod_table.h"

#include <gmock/gmock.h>

#include "fs/cluster/pod_state.h"

namespace downwardfs {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;

TEST(PodTableTest, AgesAreThoseOfKubectl) {
  const std::pair<int, const char*> cases[] = {{-5, "<invalid>"},
                                               {-1, "0s"},
                                               {0, "0s"},
                                               {119, "119s"},
                                               {120, "2m"},
                                               {125, "2m5s"},
                                               {599, "9m59s"},
                                               {600, "10m"},
                                               {10799, "179m"},
                                               {10800, "3h"},
                                               {3 * 3600 + 300, "3h5m"},
                                               {8 * 3600, "8h"},
                                               {47 * 3600, "47h"},
                                               {48 * 3600, "2d"},
                                               {50 * 3600, "2d2h"},
                                               {8 * 86400, "8d"},
                                               {729 * 86400, "729d"},
                                               {730 * 86400, "2y"},
                                               {800 * 86400, "2y70d"},
                                               {2920 * 86400, "8y"}};
  for (const auto& [age, text] : cases) EXPECT_EQ(HumanDuration(seconds(age)), text) << age;
}

// The column STATUS, by status (and what else decides it).
TEST(PodTableTest, StatusSaysWhatKubectlSays) {
  struct Case {
    const char* metadata;
    const char* spec;
    const char* status;
    const char* reason;
  };
  const Case cases[] = {
      {"", "", R"("phase":"Pending")", "Pending"},
      {"", "", R"("phase":"Failed","reason":"Evicted")", "Evicted"},
      {"", "",
       R"("phase":"Running","containerStatuses":[{"restartCount":7,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}])",
       "CrashLoopBackOff"},
      {"", "", R"("phase":"Running","containerStatuses":[{"state":{"terminated":{"exitCode":3}}}])",
       "ExitCode:3"},
      {"", "",
       R"("phase":"Running","containerStatuses":[{"state":{"terminated":{"exitCode":137,"signal":9}}}])",
       "Signal:9"},
      {"", "",
       R"("phase":"Succeeded","containerStatuses":[{"state":{"terminated":{"exitCode":0,"reason":"Completed"}}}])",
       "Completed"},
      {"", "",
       R"("phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"ready":true,"state":{"running":{}}},{"state":{"terminated":{"reason":"Completed"}}}])",
       "Running"},
      {"", "",
       R"("phase":"Running","containerStatuses":[{"ready":true,"state":{"running":{}}},{"state":{"terminated":{"reason":"Completed"}}}])",
       "NotReady"},
      {"", R"("initContainers":[{"name":"a"},{"name":"b"}])",
       R"("phase":"Pending","initContainerStatuses":[{"state":{"terminated":{"exitCode":0}}},{"state":{"running":{}}}])",
       "Init:1/2"},
      {"", R"("initContainers":[{"name":"a"}])",
       R"("phase":"Pending","initContainerStatuses":[{"state":{"terminated":{"exitCode":1,"reason":"Error"}}}])",
       "Init:Error"},
      {"", R"("initContainers":[{"name":"a"}])",
       R"("phase":"Pending","initContainerStatuses":[{"state":{"terminated":{"exitCode":2}}}])",
       "Init:ExitCode:2"},
      {"", R"("initContainers":[{"name":"a"}])",
       R"("phase":"Pending","initContainerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff"}}}])",
       "Init:ImagePullBackOff"},
      {R"("deletionTimestamp":"2026-01-01T00:00:00Z")", "", R"("phase":"Running")", "Terminating"},
      {R"("deletionTimestamp":"2026-01-01T00:00:00Z")", "",
       R"("phase":"Running","reason":"NodeLost")", "Unknown"},
      {"", "",
       R"("phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}])",
       "SchedulingGated"},
  };
  for (const Case& c : cases) {
    const std::string json = std::string(R"({"metadata":{)") + c.metadata + R"(},"spec":{)" +
                             c.spec + R"(},"status":{)" + c.status + "}}";
    EXPECT_EQ(ReadPodState(json).reason, c.reason) << json;
  }
}

TEST(PodTableTest, ANativeSidecarCountsAsAContainer) {
  const PodState state = ReadPodState(
      R"({"spec":{"containers":[{"name":"main"}],"initContainers":[{"name":"side","restartPolicy":"Always"}]},)"
      R"("status":{"phase":"Running","initContainerStatuses":[{"name":"side","started":true,"ready":true,"restartCount":2,"state":{"running":{}}}],)"
      R"("containerStatuses":[{"name":"main","ready":true,"restartCount":1,"state":{"running":{}}}]}})");
  EXPECT_EQ(state.ready, 2);
  EXPECT_EQ(state.containers, 2);
  EXPECT_EQ(state.restarts, 3);
  EXPECT_EQ(state.reason, "Running");
}

// Rule (printPod): the containers count once the pod has been initialised, though a native sidecar
// has failed since.
TEST(PodTableTest, AFailingSidecarDoesNotHideTheContainersOfAnInitialisedPod) {
  const auto pod = [](const char* initialized) {
    return std::string(
               R"({"spec":{"containers":[{"name":"main"}],"initContainers":[{"name":"side","restartPolicy":"Always"}]},)"
               R"("status":{"phase":"Running","conditions":[{"type":"Initialized","status":")") +
           initialized +
           R"("}],"initContainerStatuses":[{"name":"side","started":false,"restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}],)"
           R"("containerStatuses":[{"name":"main","ready":true,"restartCount":2,"state":{"running":{}}}]}})";
  };
  const PodState state = ReadPodState(pod("True"));
  EXPECT_EQ(state.ready, 1);
  EXPECT_EQ(state.containers, 2);
  EXPECT_EQ(state.restarts, 6);
  EXPECT_EQ(state.reason, "Init:CrashLoopBackOff");
  const PodState before = ReadPodState(pod("False"));
  EXPECT_EQ(before.ready, 0);
  EXPECT_EQ(before.restarts, 4);
}

TEST(PodTableTest, RowsAndColumns) {
  const std::string json =
      R"({"metadata":{"name":"web-1","creationTimestamp":"2026-01-01T00:00:00Z"},)"
      R"("spec":{"nodeName":"n1","containers":[{"name":"a"},{"name":"b"}],"readinessGates":[{"conditionType":"x"}]},)"
      R"("status":{"phase":"Running","podIP":"10.0.0.7","containerStatuses":[{"ready":true,"restartCount":4,"state":{"running":{}}}]}})";
  const auto now = std::chrono::sys_days(std::chrono::January / 3 / 2026);
  const PodRow row = MakePodRow(json, now);
  EXPECT_THAT(row,
              ElementsAre("web-1", "1/2", "Running", "4", "2d", "10.0.0.7", "n1", "<none>", "0/1"));
  EXPECT_EQ(FormatPodTable({row}),
            "NAME    READY   STATUS    RESTARTS   AGE   IP         NODE   NOMINATED NODE   "
            "READINESS GATES\n"
            "web-1   1/2     Running   4          2d    10.0.0.7   n1     <none>           0/1\n");
}

TEST(PodTableTest, WhatIsNoPodIsARowOfNothing) {
  EXPECT_THAT(MakePodRow("[]", {}),
              ElementsAre("", "0/0", "", "0", "<unknown>", "<none>", "<none>", "<none>", "<none>"));
}

}  // namespace
}  // namespace downwardfs
