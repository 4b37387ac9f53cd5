// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/full_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

namespace downwardfs {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kPod = R"({
  "kind": "Pod",
  "metadata": {
    "name": "web-0", "namespace": "shop", "uid": "u-1", "managedFields": [{"manager": "kubectl"}],
    "creationTimestamp": "2026-11-22T13:00:00Z",
    "labels": {"app": "web", "app/x": "y\n", "50%": "half", ".": "dot", "..": "dots"},
    "annotations": {"note": "a \"b\""},
    "ownerReferences": [{"kind": "Other", "name": "o"},
                        {"kind": "ReplicaSet", "name": "web", "controller": true}]
  },
  "spec": {
    "nodeName": "n1", "serviceAccountName": "sa",
    "containers": [
      {"name": "main", "image": "web:1", "resources": {
        "limits": {"cpu": "1000m", "nvidia.com/gpu": 2}, "requests": {"memory": "1024Ki"}}},
      {"name": "side", "image": "side:1", "resources": {"limits": {"cpu": "bad"}}}],
    "initContainers": [{"name": "init", "image": "init:1"}]
  },
  "status": {
    "phase": "Running", "qosClass": "Burstable", "startTime": "2026-11-22T13:00:01Z",
    "hostIP": "10.0.0.1", "podIP": "10.1.0.1", "podIPs": [{"ip": "10.1.0.1"}, {"ip": "fd00::1"}],
    "conditions": [{"type": "Ready", "status": "True"},
                   {"type": "example.com/Gate", "status": "Unknown"}],
    "containerStatuses": [
      {"name": "main", "image": "registry/web:1", "imageID": "sha256:1", "ready": true,
       "restartCount": 3, "state": {"running": {"startedAt": "x"}}},
      {"name": "side", "ready": false, "restartCount": 0,
       "state": {"waiting": {"reason": "ImagePullBackOff"}}}],
    "initContainerStatuses": [
      {"name": "init", "ready": true, "restartCount": 0,
       "state": {"terminated": {"reason": "Completed", "exitCode": 0}}}]
  }
})";

std::map<std::string, ProjectedFile> View(std::string_view text) {
  const auto pod = ParseJson(text);
  EXPECT_TRUE(pod);
  std::map<std::string, ProjectedFile> files;
  if (!pod) return files;
  for (ProjectedFile& file : ProjectFullView(*pod)) {
    const std::string path = file.path;
    EXPECT_TRUE(files.emplace(path, std::move(file)).second) << path << " is there twice";
  }
  return files;
}

// Rule: docs/semantics.md, "The full view".
TEST(FullViewTest, FilesOfAPod) {
  const std::map<std::string, std::string> expected = {
      {"podName", "web-0"},
      {"namespace", "shop"},
      {"uid", "u-1"},
      {"nodeName", "n1"},
      {"serviceAccountName", "sa"},
      {"podIP", "10.1.0.1"},
      {"podIPs", "10.1.0.1,fd00::1"},
      {"hostIP", "10.0.0.1"},
      {"hostIPs", "10.0.0.1"},
      {"phase", "Running"},
      {"qosClass", "Burstable"},
      {"startTime", "2026-11-22T13:00:01Z"},
      {"creationTimestamp", "2026-11-22T13:00:00Z"},
      {"labels", ".=\"dot\"\n..=\"dots\"\n50%=\"half\"\napp=\"web\"\napp/x=\"y\\n\""},
      {"annotations", "note=\"a \\\"b\\\"\""},
      {"labels.d/app", "web"},
      {"labels.d/app%2Fx", "y\n"},
      {"labels.d/50%25", "half"},
      {"labels.d/%2E", "dot"},
      {"labels.d/%2E.", "dots"},
      {"annotations.d/note", "a \"b\""},
      {"controller", "ReplicaSet/web"},
      {"conditions/Ready", "True"},
      {"conditions/example.com%2FGate", "Unknown"},
      {"containers/main/image", "web:1"},
      {"containers/main/imageID", "sha256:1"},
      {"containers/main/ready", "true"},
      {"containers/main/restartCount", "3"},
      {"containers/main/state", "running"},
      {"containers/main/requests.cpu", ""},
      {"containers/main/requests.memory", "1Mi"},
      {"containers/main/limits.cpu", "1"},
      {"containers/main/limits.memory", ""},
      {"containers/main/limits.nvidia.com%2Fgpu", "2"},
      {"containers/side/image", "side:1"},
      {"containers/side/imageID", ""},
      {"containers/side/ready", "false"},
      {"containers/side/restartCount", "0"},
      {"containers/side/state", "waiting: ImagePullBackOff"},
      {"containers/side/requests.cpu", ""},
      {"containers/side/requests.memory", ""},
      {"containers/side/limits.cpu", ""},
      {"containers/side/limits.memory", ""},
      {"initContainers/init/image", "init:1"},
      {"initContainers/init/imageID", ""},
      {"initContainers/init/ready", "true"},
      {"initContainers/init/restartCount", "0"},
      {"initContainers/init/state", "terminated: Completed"},
      {"initContainers/init/requests.cpu", ""},
      {"initContainers/init/requests.memory", ""},
      {"initContainers/init/limits.cpu", ""},
      {"initContainers/init/limits.memory", ""},
  };
  auto files = View(kPod);
  for (const auto& [path, content] : expected) {
    ASSERT_TRUE(files.count(path)) << path;
    EXPECT_EQ(files[path].content, content) << path;
  }
  EXPECT_EQ(files.size(), expected.size() + 2) << "and pod.json and pod.yaml";
  EXPECT_NE(files["containers/side/limits.cpu"].problem, "") << "\"bad\" is no quantity";
  EXPECT_EQ(files["containers/main/limits.cpu"].problem, "");
}

TEST(FullViewTest, SourcesAreFieldPaths) {
  auto files = View(kPod);
  EXPECT_EQ(files["podName"].source, "metadata.name");
  EXPECT_EQ(files["labels.d/app"].source, "metadata.labels['app']");
  EXPECT_EQ(files["containers/main/image"].source, "spec.containers[name=main].image");
  EXPECT_EQ(files["containers/main/state"].source, "status.containerStatuses[name=main].state");
  EXPECT_EQ(files["containers/main/limits.cpu"].source,
            "spec.containers[name=main].resources.limits['cpu']");
}

TEST(FullViewTest, TheWholeObjectIsShownWithoutManagedFields) {
  auto files = View(kPod);
  for (const char* name : {"pod.json", "pod.yaml"}) {
    EXPECT_THAT(files[name].content, HasSubstr("web-0"));
    EXPECT_THAT(files[name].content, Not(HasSubstr("managedFields")));
  }
  EXPECT_THAT(files["pod.json"].content, HasSubstr("{\n  \"kind\": \"Pod\",\n"));
  EXPECT_THAT(files["pod.yaml"].content, HasSubstr("    nvidia.com/gpu: 2\n"));
}

// Rule: never fails; what the pod has not is an empty file or absent.
TEST(FullViewTest, OddPodsDoNotFail) {
  for (const std::string_view pod :
       {"{}", R"({"metadata":null,"spec":null,"status":null})", R"({"metadata":[],"spec":1})",
        R"({"spec":{"containers":[1,{},{"name":5},{"name":""},{"name":"a"},{"name":"a"}]},
            "status":{"conditions":{},"containerStatuses":[null]}})",
        R"({"metadata":{"labels":{"":"x","a\u0000b":"x","n":1},"ownerReferences":"x"}})"}) {
    auto files = View(pod);
    EXPECT_TRUE(files.count("podName")) << pod;
    EXPECT_EQ(files["controller"].content, "") << pod;
    EXPECT_TRUE(files.count("pod.yaml")) << pod;
    for (const auto& [path, file] : files) {
      EXPECT_EQ(path.find('\0'), std::string::npos);
      EXPECT_NE(path.back(), '/') << path;
    }
  }
}

TEST(FullViewTest, NamesOver255BytesAreLeftOut) {
  const std::string fits(255, 'x');
  auto files = View(R"({"metadata":{"labels":{")" + fits + R"(":"1","y)" + fits + R"(":"2"}}})");
  EXPECT_TRUE(files.count("labels.d/" + fits));
  EXPECT_FALSE(files.count("labels.d/y" + fits));
}

}  // namespace
}  // namespace downwardfs
