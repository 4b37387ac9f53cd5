// SPDX-License-Identifier: Apache-2.0
#include "sources/manifest.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace downwardfs {
namespace {

std::string Joined(Result<std::vector<Json>> objects) {
  if (!objects) return objects.error().message;
  std::string out;
  for (const Json& object : *objects) out += (out.empty() ? "" : "\n") + DumpJson(object);
  return out;
}

std::string Pods(std::string_view bytes, PodDefaults defaults = PodDefaults::kNone) {
  auto documents = ParseManifest(bytes);
  if (!documents) return documents.error().message;
  return Joined(PodsFromManifest(std::move(*documents), defaults));
}

std::string Nodes(std::string_view bytes) {
  auto documents = ParseManifest(bytes);
  if (!documents) return documents.error().message;
  return Joined(NodesFromManifest(std::move(*documents)));
}

constexpr char kPod[] = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {}\n";
constexpr char kPodJson[] =
    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"default"},"spec":{}})";

TEST(PodsFromManifestTest, YamlAndJsonGiveTheSamePod) {
  EXPECT_EQ(Pods(kPod), kPodJson);
  EXPECT_EQ(Pods(std::string(" \n") + kPodJson), kPodJson);
  EXPECT_EQ(Pods("{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {}}"), kPodJson);
}

TEST(PodsFromManifestTest, SeveralJsonObjectsMayFollowEachOther) {
  const std::string service = R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"}{\"["}})";
  EXPECT_EQ(Pods(service + "\n" + kPodJson + "\n"), kPodJson);
  EXPECT_EQ(Pods(service + kPodJson), kPodJson);
  EXPECT_EQ(Pods(service + "\n---\n" + kPodJson), kPodJson);
  EXPECT_NE(Pods(std::string(kPodJson) + "{").find("JSON: "), std::string::npos);
}

TEST(PodsFromManifestTest, EmptyDocumentsAndOtherKindsArePassedOver) {
  EXPECT_EQ(Pods(std::string("---\napiVersion: v1\nkind: Service\n---\n# nothing\n---\n") + kPod),
            kPodJson);
}

TEST(PodsFromManifestTest, ItemsOfAPodListHaveItsKind) {
  EXPECT_EQ(
      Pods(
          R"({"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"web"},"spec":{}}]})"),
      kPodJson);
}

TEST(PodsFromManifestTest, AListMayHoldLists) {
  EXPECT_EQ(
      Pods(
          std::string(
              R"({"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"List","items":[)") +
          kPodJson + "]}]}"),
      kPodJson);
}

TEST(PodsFromManifestTest, ManagedFieldsAndNullsGo) {
  EXPECT_EQ(
      Pods("apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  creationTimestamp: null\n"
           "  managedFields: [{manager: kubectl}]\n  labels: {app: }\nspec: {volumes: }\n"),
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"app":""},"name":"web","namespace":"default"},"spec":{}})");
}

TEST(PodsFromManifestTest, BytesOfJsonThatAreNotUtf8AreReplaced) {
  auto documents = ParseManifest("{\"a\":\"\xff\"}");
  ASSERT_TRUE(documents);
  EXPECT_EQ(documents->at(0).at("a").get<std::string>(), "\xef\xbf\xbd");
}

TEST(PodsFromManifestTest, TheApiServersDefaults) {
  EXPECT_EQ(
      Pods("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n"
           "  - name: a\n    resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 5m}}\n"
           "  initContainers:\n  - name: b\n    resources: {limits: {cpu: 2}}\n",
           PodDefaults::kApiServer),
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"default"},"spec":{)"
      R"("containers":[{"name":"a","resources":{"limits":{"cpu":1,"memory":"1Gi"},"requests":{"cpu":"5m","memory":"1Gi"}}}],)"
      R"("initContainers":[{"name":"b","resources":{"limits":{"cpu":2},"requests":{"cpu":2}}}],)"
      R"("serviceAccount":"default","serviceAccountName":"default"}})");
  EXPECT_NE(Pods("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {serviceAccount: old}\n",
                 PodDefaults::kApiServer)
                .find(R"("serviceAccountName":"old")"),
            std::string::npos);
}

struct WorkloadCase {
  const char* manifest;
  const char* metadata;
};

class WorkloadTest : public testing::TestWithParam<WorkloadCase> {};

TEST_P(WorkloadTest, ItsTemplateBecomesAPod) {
  auto documents = ParseManifest(GetParam().manifest);
  ASSERT_TRUE(documents) << documents.error().message;
  auto pods = PodsFromManifest(std::move(*documents));
  ASSERT_TRUE(pods) << pods.error().message;
  ASSERT_EQ(pods->size(), 1U);
  EXPECT_EQ(DumpJson(pods->at(0).at("metadata")), GetParam().metadata);
  EXPECT_EQ(pods->at(0).at("kind"), "Pod");
  EXPECT_EQ(pods->at(0).at("apiVersion"), "v1");
  EXPECT_EQ(DumpJson(pods->at(0).at("spec")), R"({"containers":[{"name":"c"}]})");
}

#define TEMPLATE                                                                        \
  "template: {metadata: {name: ignored, labels: {app: x}, annotations: {a: b}}, spec: " \
  "{containers: [{name: c}]}}"

INSTANTIATE_TEST_SUITE_P(
    Kinds, WorkloadTest,
    testing::Values(
        WorkloadCase{
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: w, namespace: prod, uid: u}, "
            "spec: {" TEMPLATE "}}",
            R"({"annotations":{"a":"b"},"labels":{"app":"x"},"name":"w","namespace":"prod","ownerReferences":[{"apiVersion":"apps/v1","blockOwnerDeletion":true,"controller":true,"kind":"ReplicaSet","name":"w","uid":""}]})"},
        WorkloadCase{
            "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: w, uid: u}, "
            "spec: {" TEMPLATE "}}",
            R"({"annotations":{"a":"b"},"labels":{"app":"x"},"name":"w-0","namespace":"default","ownerReferences":[{"apiVersion":"apps/v1","blockOwnerDeletion":true,"controller":true,"kind":"StatefulSet","name":"w","uid":"u"}]})"},
        WorkloadCase{
            "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: w}, spec: {" TEMPLATE "}}",
            R"({"annotations":{"a":"b"},"labels":{"app":"x"},"name":"w","namespace":"default","ownerReferences":[{"apiVersion":"apps/v1","blockOwnerDeletion":true,"controller":true,"kind":"DaemonSet","name":"w","uid":""}]})"},
        WorkloadCase{
            "{apiVersion: v1, kind: ReplicationController, metadata: {name: w}, spec: {" TEMPLATE
            "}}",
            R"({"annotations":{"a":"b"},"labels":{"app":"x"},"name":"w","namespace":"default","ownerReferences":[{"apiVersion":"v1","blockOwnerDeletion":true,"controller":true,"kind":"ReplicationController","name":"w","uid":""}]})"},
        WorkloadCase{
            "{apiVersion: batch/v1, kind: CronJob, metadata: {name: w}, spec: {jobTemplate: {spec: "
            "{" TEMPLATE "}}}}",
            R"({"annotations":{"a":"b"},"labels":{"app":"x"},"name":"w","namespace":"default","ownerReferences":[{"apiVersion":"batch/v1","blockOwnerDeletion":true,"controller":true,"kind":"Job","name":"w","uid":""}]})"},
        WorkloadCase{
            "{apiVersion: v1, kind: PodTemplate, metadata: {name: w}, " TEMPLATE "}",
            R"({"annotations":{"a":"b"},"labels":{"app":"x"},"name":"w","namespace":"default"})"}));

#define POD "apiVersion: v1\nkind: Pod\n"

struct BadCase {
  const char* manifest;
  const char* message;
};

class BadManifestTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadManifestTest, SaysWhatWhereAndWhichRule) {
  EXPECT_EQ(Pods(GetParam().manifest), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Pods, BadManifestTest,
    testing::Values(
        BadCase{"", "the file is empty"}, BadCase{"---\n# only a comment\n", "the file is empty"},
        BadCase{"hello",
                "must be an API object (a mapping with apiVersion, kind and metadata), found the "
                "text \"hello\""},
        BadCase{"a: 1", "kind: missing: an API object has apiVersion and kind"},
        BadCase{"kind: Pod", "apiVersion: missing: an API object has apiVersion and kind"},
        BadCase{"kind: 1\napiVersion: v1", "kind: must be a string, found the number 1"},
        BadCase{"kind: Pod\napiVersion: v2",
                "apiVersion: must be v1 for a Pod, found the text \"v2\""},
        BadCase{"apiVersion: v1\nkind: Service\n---\napiVersion: v1\nkind: ConfigMap\n",
                "no pod in it, found only ConfigMap, Service"},
        BadCase{"apiVersion: v1\nkind: PodList\nitems: []\n", "no pod in it, only an empty list"},
        BadCase{"apiVersion: v1\nkind: PodList\nitems: {}\n",
                "items: must be a list, found a mapping"},
        BadCase{"apiVersion: v1\nkind: List\nitems: [x]\n",
                "items[0]: must be an API object (a mapping with apiVersion, kind and metadata), "
                "found the text \"x\""},
        BadCase{POD "metadata: []\nspec: {}", "metadata: must be a mapping, found a list"},
        BadCase{POD "metadata: {name: 5}\nspec: {}",
                "metadata.name: must be a string, found the number 5 (put it in quotes)"},
        BadCase{POD "metadata: {name: a, namespace: a.b}\nspec: {}",
                "metadata.namespace: \"a.b\" is not a DNS label (lower case letters, digits and "
                "'-'; begins and ends with a letter or digit; at most 63 bytes)"},
        BadCase{POD "metadata: {name: a}\nspec: x",
                "spec: must be a mapping, found the text \"x\""},
        BadCase{
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"version":1.0}},"spec":{}})",
            "metadata.labels.version: must be a string, found the number 1.0 (put it in quotes)"},
        BadCase{POD "metadata: {name: a, annotations: {x.io/y: yes}}\nspec: {}",
                "metadata.annotations['x.io/y']: must be a string, found the boolean true (put it "
                "in quotes)"},
        BadCase{POD "metadata: {name: a, labels: [b]}\nspec: {}",
                "metadata.labels: must be a mapping of strings, found a list"},
        BadCase{POD "metadata: {name: a}\nspec: {containers: {}}",
                "spec.containers: must be a list, found a mapping"},
        BadCase{POD "metadata: {name: a}\nspec: {containers: [x]}",
                "spec.containers[0]: must be a mapping, found the text \"x\""},
        BadCase{POD "metadata: {name: a}\nspec: {containers: [{name: x}, {image: y}]}",
                "spec.containers[1].name: missing"},
        BadCase{POD
                "metadata: {name: a}\nspec: {containers: [{name: x, env: [{name: P, value: 80}]}]}",
                "spec.containers[0].env[0].value: must be a string, found the number 80 (put it in "
                "quotes)"},
        BadCase{
            POD
            "metadata: {name: a}\nspec: {containers: [{name: x, resources: {limits: {cpu: yes}}}]}",
            "spec.containers[0].resources.limits.cpu: must be a quantity, found the boolean true"},
        BadCase{"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {}",
                "spec.template: must be a mapping, found nothing"},
        BadCase{"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: "
                "{metadata: {labels: {v: 1}}}}",
                "spec.template.metadata.labels.v: must be a string, found the number 1 (put it in "
                "quotes)"},
        BadCase{POD "metadata: {name: a}\nspec: {}\n---\n" POD
                    "metadata: {name: a, namespace: default}\nspec: {}\n",
                "document 2: a second pod named default/a (the first: document 1)"},
        BadCase{"{\"a\": ",
                "JSON: line 1, column 7: syntax error while parsing value - unexpected end of "
                "input; expected '[', '{', or a literal"}));

TEST(PodsFromManifestTest, MetadataMayBeAbsent) {
  EXPECT_EQ(Pods("{apiVersion: v1, kind: Pod}"),
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"default"},"spec":{}})");
  EXPECT_EQ(Nodes("{apiVersion: v1, kind: Node}"),
            R"({"apiVersion":"v1","kind":"Node","metadata":{}})");
  EXPECT_EQ(
      Pods("{apiVersion: v1, kind: PodTemplate, template: {spec: {}}}"),
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"","namespace":"default"},"spec":{}})");
}

TEST(PodsFromManifestTest, NamesAndSpecsAreTheApiServersToJudge) {
  EXPECT_EQ(Pods(POD),
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"default"},"spec":{}})");
  EXPECT_EQ(
      Pods(POD "metadata: {name: My_Pod}"),
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"My_Pod","namespace":"default"},"spec":{}})");
}

TEST(PodsFromManifestTest, AnnotationsTogetherHaveALimit) {
  const auto with = [](std::size_t bytes) {
    return Pods(POD "metadata: {annotations: {k: \"" + std::string(bytes, 'x') + "\"}}");
  };
  constexpr std::size_t kLimit = std::size_t{256} << 10;
  EXPECT_EQ(with(kLimit - 1).substr(0, 1), "{");
  EXPECT_EQ(with(kLimit),
            "metadata.annotations: 262145 bytes in all; an API object may have at most 262144");
}

TEST(NodesFromManifestTest, ANodeHasNoNamespace) {
  EXPECT_EQ(
      Nodes("apiVersion: v1\nkind: Node\nmetadata: {name: n1, namespace: x}\nstatus: {allocatable: "
            "{cpu: 4}}\n"),
      R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"},"status":{"allocatable":{"cpu":4}}})");
}

TEST(NodesFromManifestTest, AFileOfPodsIsRefused) {
  EXPECT_EQ(Nodes(kPod), "no node in it, found only Pod");
}

TEST(NodesFromManifestTest, AllocatableMustBeQuantities) {
  EXPECT_EQ(Nodes("apiVersion: v1\nkind: NodeList\nitems: [{metadata: {name: n1}, status: "
                  "{allocatable: [4]}}]\n"),
            "items[0].status.allocatable: must be a mapping of quantities, found a list");
}

}  // namespace
}  // namespace downwardfs
