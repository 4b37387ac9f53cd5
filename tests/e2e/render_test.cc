// SPDX-License-Identifier: Apache-2.0
// `downwardfs render`: what scripts read.
#include <gmock/gmock.h>

#include "tests/e2e/pods.h"
#include "tests/support/matchers.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

class RenderTest : public ::testing::Test {
 protected:
  Outcome Render(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"render", "--pod-file", pod_});
    return Downwardfs(arguments);
  }

  const TempDir dir_;
  const std::string pod_ = dir_.Write("pod.yaml", PodYaml("one"));
};

TEST_F(RenderTest, JsonHasContentAndModeOfEachFile) {
  const Outcome outcome = Render({"--volume", "info", "--format", "json"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, R"({
  "files": {
    "labels": {
      "content": "app=\"one\"",
      "mode": 288
    },
    "name": {
      "content": "web",
      "mode": 256
    },
    "res/cpu": {
      "content": "15",
      "mode": 288
    }
  }
}
)");
}

TEST_F(RenderTest, BytesThatAreNotUtf8AreReplacedAsByTheApiServer) {
  const std::string pod = dir_.Write("pod.json",
                                     "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{"
                                     "\"name\":\"p\",\"labels\":{\"k\":\"\xff\"}}}");
  const std::string items =
      dir_.Write("items.json", R"([{"path":"k","fieldRef":{"fieldPath":"metadata.labels['k']"}}])");
  const Outcome outcome =
      Downwardfs({"render", "--pod-file", pod, "--items", items, "--format", "json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("\"content\": \"\xef\xbf\xbd\""));
}

TEST_F(RenderTest, TextShowsEachFileAfterItsName) {
  const Outcome outcome = Render({"--volume", "info"});
  EXPECT_EQ(outcome.out, "==> labels <==\napp=\"one\"\n==> name <==\nweb\n==> res/cpu <==\n15\n");
}

TEST_F(RenderTest, FieldPrintsOneValueExactly) {
  EXPECT_EQ(Render({"--field", "metadata.labels['app']"}).out, "one");
  EXPECT_EQ(Render({"--field", "spec.nodeName"}).out, "node1");
  EXPECT_EQ(Render({"--field", "status.podIP"}).out, "");
  const Outcome unknown = Render({"--field", "metadata.nam"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("metadata.nam"));
}

TEST_F(RenderTest, AnItemThatNeedsTheNodeFailsWithoutOne) {
  const std::string items = dir_.Write(
      "items.yaml",
      "items: [{path: eph, resourceFieldRef: {containerName: main, resource: limits.cpu}}]");
  const Outcome without = Render({"--items", items});
  EXPECT_EQ(without.exit_code, 1);
  EXPECT_THAT(without.err, HasSubstr("eph"));
  const std::string node = dir_.Write(
      "node.yaml",
      "{apiVersion: v1, kind: Node, metadata: {name: node1}, status: {allocatable: {cpu: 3920m}}}");
  const Outcome with = Render({"--items", items, "--node-file", node});
  EXPECT_EQ(with.out, "==> eph <==\n4\n");
}

TEST_F(RenderTest, StrictRefusesWhatTheKubeletRefuses) {
  const std::string items =
      dir_.Write("items.yaml", "items: [{path: ip, fieldRef: {fieldPath: status.podIP}}]");
  EXPECT_EQ(Render({"--items", items}).exit_code, 0);
  EXPECT_EQ(Render({"--items", items, "--strict"}).exit_code, 1);
}

TEST_F(RenderTest, TheFileIsShownAsItStandsUnlessTheApiServersDefaultsAreAskedFor) {
  const std::string items = dir_.Write(
      "items.yaml",
      "items: [{path: m, resourceFieldRef: {containerName: main, resource: requests.memory}}]");
  EXPECT_EQ(Render({"--items", items}).out, "==> m <==\n0\n");
  EXPECT_EQ(Render({"--items", items, "--api-defaults"}).out, "==> m <==\n8388608\n");
}

TEST_F(RenderTest, StandardInputIsAPodFileToo) {
  RunOptions options;
  options.input = PodYaml("piped");
  const Outcome outcome =
      Downwardfs({"render", "--pod-file", "-", "--field", "metadata.labels"}, options);
  EXPECT_EQ(outcome.out, "app=\"piped\"") << outcome.err;
}

TEST_F(RenderTest, AWorkloadsTemplateIsItsPod) {
  const std::string pod = dir_.Write("deployment.yaml", R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main}]}
)");
  const Outcome outcome =
      Downwardfs({"render", "--pod-file", pod, "--pod", "shop/web", "--field", "metadata.labels"});
  EXPECT_EQ(outcome.out, "app=\"web\"") << outcome.err;
}

}  // namespace
}  // namespace downwardfs::testing
