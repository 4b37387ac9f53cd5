// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/field_ref.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace downwardfs {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kPod = R"({
  "metadata": {
    "name": "web-0", "namespace": "shop", "uid": "u-1", "generation": 7,
    "creationTimestamp": "2026-11-22T13:00:00Z", "futureField": "new", "futureMap": {"k": "v"},
    "labels": {"b": "2", "a": "x\"y", "\u212a": "k", "app/x": "1", "n": null},
    "annotations": {"\u212a": "kelvin", "\u0130": "dot", "A": "upper", "a[b]c": "x"},
    "ownerReferences": [{"kind": "ReplicaSet", "name": "rs", "controller": true}],
    "finalizers": ["one", "two"]
  },
  "spec": {
    "nodeName": "n1", "serviceAccountName": "sa", "hostNetwork": false, "priority": 10,
    "nodeSelector": {"disktype": "ssd"},
    "containers": [
      {"name": "side", "image": "s:1"},
      {"name": "main", "image": "m:2", "resources": {"limits": {"cpu": 1.50, "memory": "1Gi"}},
       "env": [{"name": "A", "value": "1"}]}]
  },
  "status": {
    "phase": "Running", "hostIP": "10.0.0.1", "podIP": "10.1.0.1",
    "podIPs": [{"ip": "10.1.0.1"}, {"ip": "fd00::1"}],
    "containerStatuses": [{"name": "main", "restartCount": 3, "ready": true}]
  }
})";

constexpr std::string_view kNode = R"({"metadata": {"name": "n1",
  "labels": {"topology.kubernetes.io/zone": "z1", "os": "linux"}, "annotations": {"k": "v"}}})";

Json Parsed(std::string_view text) {
  auto parsed = ParseJson(text);
  EXPECT_TRUE(parsed);
  return parsed ? std::move(*parsed) : Json();
}

std::string Value(std::string_view path, std::string_view pod = kPod) {
  const Json node = Parsed(kNode);
  auto value = FieldValue(path, {Parsed(pod), &node});
  return value ? *value : "error: " + value.error().message;
}

struct Case {
  std::string_view path;
  std::string_view value;
};

void ExpectValues(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(Value(c.path), c.value) << c.path;
}

TEST(FieldRefTest, TheKubeletsFiveFields) {
  ExpectValues(
      {{"metadata.name", "web-0"},
       {"metadata.namespace", "shop"},
       {"metadata.uid", "u-1"},
       {"metadata.labels", "a=\"x\\\"y\"\napp/x=\"1\"\nb=\"2\"\nn=\"\"\n\xe2\x84\xaa=\"k\""},
       {"metadata.labels['b']", "2"},
       {"metadata.labels['app/x']", "1"},
       {"metadata.labels['absent']", ""},
       {"metadata.annotations['A']", "upper"},
       {"metadata.annotations['absent']", ""}});
}

// strings.ToLower comes before the check, and the lookup uses the key as it was written.
TEST(FieldRefTest, AnnotationKeysAreLoweredAsUnicodeForTheCheckOnly) {
  ExpectValues({{"metadata.annotations['\xe2\x84\xaa']", "kelvin"},
                {"metadata.annotations['\xc4\xb0']", "dot"},
                {"metadata.annotations['a']", ""},
                {"metadata.annotations['EXAMPLE.COM/X']", ""}});
  EXPECT_THAT(Value("metadata.labels['\xe2\x84\xaa']"), HasSubstr("error: "));
  EXPECT_THAT(Value("metadata.labels['EXAMPLE.COM/X']"), HasSubstr("error: "));
  EXPECT_THAT(Value("metadata.annotations['\xc3\x9c']"), HasSubstr("error: "));
  EXPECT_THAT(Value("metadata.annotations['a[b]c']"), HasSubstr("error: "));
}

TEST(FieldRefTest, WhatThePodHasNotYetIsEmpty) {
  for (const std::string_view pod : {"{}", R"({"metadata":null,"status":null})",
                                     R"({"metadata":{"labels":null,"name":null},"status":{}})"}) {
    for (const std::string_view path :
         {"metadata.name", "metadata.labels", "metadata.labels['a']", "metadata.annotations",
          "status.podIP", "status.podIPs", "status.hostIPs", "status.startTime",
          "status.containerStatuses[name=main].restartCount", "spec.containers[3].image",
          "spec.nodeSelector['x']"}) {
      EXPECT_EQ(Value(path, pod), "") << path << " of " << pod;
    }
  }
}

TEST(FieldRefTest, LabelsMustBeStringsAndTheErrorNamesTheKey) {
  EXPECT_THAT(Value("metadata.labels['a']", R"({"metadata":{"labels":{"a":"x","bad":1}}})"),
              HasSubstr(R"(metadata.labels["bad"] must be a string, not a number)"));
  EXPECT_THAT(Value("metadata.labels", R"({"metadata":{"labels":["a"]}})"), HasSubstr("error: "));
  EXPECT_THAT(Value("metadata.name", R"({"metadata":{"name":true}})"), HasSubstr("error: "));
  EXPECT_THAT(Value("metadata.name", R"({"metadata":"x"})"), HasSubstr("error: "));
}

TEST(FieldRefTest, FieldsThatTheKubeletHasInEnvOnly) {
  ExpectValues({{"spec.nodeName", "n1"},
                {"spec.host", "n1"},
                {"spec.serviceAccountName", "sa"},
                {"status.hostIP", "10.0.0.1"},
                {"status.podIP", "10.1.0.1"},
                {"status.podIPs", "10.1.0.1,fd00::1"},
                {"status.hostIPs", "10.0.0.1"}});
  EXPECT_EQ(Value("status.podIPs", R"({"status":{"podIP":"1.2.3.4","podIPs":[]}})"), "1.2.3.4");
}

TEST(FieldRefTest, AnyScalarByItsPath) {
  ExpectValues({{"status.phase", "Running"},
                {"metadata.generation", "7"},
                {"metadata.creationTimestamp", "2026-11-22T13:00:00Z"},
                {"metadata.ownerReferences[0].name", "rs"},
                {"metadata.ownerReferences[controller=true].kind", "ReplicaSet"},
                {"metadata.ownerReferences[1].name", ""},
                {"metadata.finalizers[1]", "two"},
                {"status.containerStatuses[name=main].restartCount", "3"},
                {"status.containerStatuses[name=main].ready", "true"},
                {"status.podIPs[1].ip", "fd00::1"},
                {"spec.hostNetwork", "false"},
                {"spec.nodeSelector['disktype']", "ssd"},
                {"spec.nodeSelector['other']", ""},
                {"spec.containers[name=main].resources.limits['cpu']", "1.50"},
                {"spec.containers[name=main].resources.limits['memory']", "1Gi"},
                {"spec.containers[name=main].env[name=A].value", "1"},
                {"spec.containers[name=absent].image", ""}});
}

TEST(FieldRefTest, ListsAreJson) {
  ExpectValues(
      {{"metadata.finalizers", R"(["one","two"])"},
       {"metadata.ownerReferences", R"([{"controller":true,"kind":"ReplicaSet","name":"rs"}])"},
       {"spec.tolerations", ""},
       {"status.podIPs", "10.1.0.1,fd00::1"}});
}

// Rule: a newer API server knows more fields than this build.
TEST(FieldRefTest, UnknownFieldsOfAServersPodAreEmpty) {
  const Json pod = Parsed(kPod);
  for (const std::string_view path : {"spec.quiteNew", "status.new[0].name", "status.new['k']",
                                      "spec.containers[name=main].new", "meta.x"}) {
    EXPECT_FALSE(FieldValue(path, {pod})) << path;
    EXPECT_EQ(FieldValue(path, {pod}, UnknownFields::kEmpty), "") << path;
    EXPECT_TRUE(ValidateFieldPath(path, false, &pod, UnknownFields::kEmpty)) << path;
    EXPECT_FALSE(ValidateFieldPath(path, true, &pod, UnknownFields::kEmpty)) << path;
  }
  EXPECT_FALSE(FieldValue("metadata.name.x", {pod}, UnknownFields::kEmpty))
      << "a scalar has no fields";
}

TEST(FieldRefTest, AFieldThatOnlyThePodKnowsIsShown) {
  const Json pod = Parsed(kPod);
  ExpectValues({{"metadata.futureField", "new"}, {"metadata.futureMap['k']", "v"}});
  EXPECT_FALSE(ValidateFieldPath("metadata.futureField", false));
  EXPECT_TRUE(ValidateFieldPath("metadata.futureField", false, &pod));
  EXPECT_FALSE(ValidateFieldPath("metadata.futureMap", false, &pod));
}

TEST(FieldRefTest, FieldsOfTheNode) {
  ExpectValues({{"node.metadata.name", "n1"},
                {"node.metadata.labels['topology.kubernetes.io/zone']", "z1"},
                {"node.metadata.labels", "os=\"linux\"\ntopology.kubernetes.io/zone=\"z1\""},
                {"node.metadata.annotations['k']", "v"}});
  const Json node =
      Parsed(R"({"metadata":{"uid":"n-1"},"spec":{"providerID":"aws:///i-1"},"status":{
      "capacity":{"cpu":"8","nvidia.com/gpu":2},"allocatable":{"cpu":"7910m"}}})");
  const std::pair<std::string_view, std::string_view> values[] = {
      {"node.metadata.uid", "n-1"},
      {"node.spec.providerID", "aws:///i-1"},
      {"node.status.capacity['cpu']", "8"},
      {"node.status.capacity['nvidia.com/gpu']", "2"},
      {"node.status.allocatable['cpu']", "7910m"},
      {"node.status.allocatable['memory']", ""}};
  for (const auto& [path, value] : values) {
    EXPECT_EQ(FieldValue(path, {Json::object(), &node}), value) << path;
    EXPECT_TRUE(ValidateFieldPath(path, false)) << path;
    EXPECT_FALSE(ValidateFieldPath(path, true)) << path;
  }
  const auto unknown = FieldValue("node.metadata.labels['os']", {Json::object()});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kFailedPrecondition);
  for (const std::string_view path :
       {"node.metadata.namespace", "node.status", "node.", "node.metadata.labels['-']", "node",
        "node.status.capacity", "node.status.capacity['']", "node.spec"}) {
    EXPECT_FALSE(ValidateFieldPath(path, false)) << path;
    EXPECT_THAT(Value(path), HasSubstr("error: ")) << path;
  }
}

// Rule: fields of the namespace are metadata.name, uid, labels and annotations.
TEST(FieldRefTest, FieldsOfTheNamespace) {
  const Json ns = Parsed(R"({"metadata":{"name":"prod","uid":"ns-1","labels":{"team":"web"},
      "annotations":{"owner":"me","note":"a\"b"}}})");
  const std::pair<std::string_view, std::string_view> values[] = {
      {"namespace.metadata.name", "prod"},
      {"namespace.metadata.uid", "ns-1"},
      {"namespace.metadata.labels['team']", "web"},
      {"namespace.metadata.labels['no']", ""},
      {"namespace.metadata.labels", "team=\"web\""},
      {"namespace.metadata.annotations['owner']", "me"},
      {"namespace.metadata.annotations", "note=\"a\\\"b\"\nowner=\"me\""}};
  for (const auto& [path, value] : values) {
    EXPECT_EQ(FieldValue(path, {Json::object(), nullptr, &ns}), value) << path;
    EXPECT_TRUE(ValidateFieldPath(path, false)) << path;
    EXPECT_FALSE(ValidateFieldPath(path, true)) << path;
    const auto unknown = FieldValue(path, {Json::object()});
    ASSERT_FALSE(unknown) << path;
    EXPECT_EQ(unknown.error().code, ErrorCode::kFailedPrecondition) << path;
  }
  for (const std::string_view path :
       {"namespace.metadata.namespace", "namespace.status.phase", "namespace.", "namespace",
        "namespace.metadata.labels['-']", "namespace.spec"}) {
    EXPECT_FALSE(ValidateFieldPath(path, false)) << path;
  }
}

// Rule: a path that can name nothing is refused with kInvalidArgument, with a pod and without.
TEST(FieldRefTest, PathsThatNameNoScalarAreRefused) {
  const Json pod = Parsed(kPod);
  const std::string_view paths[] = {
      "",
      "metadata",
      "metadata.nam",
      "metadata.labels ",
      " metadata.labels",
      "metadata..name",
      "metadata.name.",
      ".metadata.name",
      "metadata['labels']",
      "metadata.labels[']",
      "metadata.labels['']",
      "metadata.labels['a']x",
      "metadata.labels['a'",
      "metadata.labels[\"a\"]",
      "metadata.labels['a']['b']",
      "metadata.labels.a",
      "metadata.labels[0]",
      "metadata.name['x']",
      "metadata.name[0]",
      "metadata.finalizers[name=x]",
      "metadata.finalizers['0']",
      "metadata.ownerReferences[-1].name",
      "metadata.ownerReferences[].name",
      "metadata.ownerReferences[0",
      "metadata.ownerReferences[99999999999].name",
      "metadata.ownerReferences.name",
      "metadata.ownerReferences[nope=1].name",
      "spec.nodeName['x']",
      "spec.nodeSelector",
      "spec.nodeSelector['']",
      "spec.containers[0]",
      "spec.containers[0].resources",
      "spec.containers['main']",
      "status.podIP.x",
      "']",
      "['a']",
  };
  for (const std::string_view path : paths) {
    for (const Json* at_hand : {static_cast<const Json*>(nullptr), &pod}) {
      const auto valid = ValidateFieldPath(path, false, at_hand);
      ASSERT_FALSE(valid) << path;
      EXPECT_EQ(valid.error().code, ErrorCode::kInvalidArgument) << path;
    }
    const auto value = FieldValue(path, {pod});
    ASSERT_FALSE(value) << path;
    EXPECT_EQ(value.error().code, ErrorCode::kInvalidArgument) << path;
    EXPECT_THAT(value.error().message, HasSubstr("fieldPath \"")) << path;
    EXPECT_EQ(value.error().message.find('\n'), std::string::npos) << path;
  }
}

TEST(FieldRefTest, KubeletOnlyRefusesWhatGoesBeyond) {
  for (const std::string_view path : {"spec.nodeName", "spec.host", "status.podIPs", "status.phase",
                                      "node.metadata.name", "metadata.generation"}) {
    EXPECT_FALSE(ValidateFieldPath(path, true)) << path;
    EXPECT_TRUE(ValidateFieldPath(path, false)) << path;
  }
  EXPECT_TRUE(ValidateFieldPath("metadata.annotations['k']", true));
}

TEST(FieldRefTest, PodWhoseShapeIsNotThatOfAPodIsAnError) {
  EXPECT_THAT(Value("status.phase", R"({"status":[]})"), HasSubstr("the pod has a list"));
  EXPECT_THAT(Value("status.phase", R"({"status":{"phase":{}}})"),
              HasSubstr("the pod has an object"));
  EXPECT_THAT(Value("status.podIPs", R"({"status":{"podIPs":[1]}})"), HasSubstr("podIPs[0]"));
  EXPECT_THAT(Value("spec.containers[0].image", R"({"spec":{"containers":{}}})"),
              HasSubstr("error: "));
}

TEST(QualifiedNameTest, LengthsAndCharacters) {
  const std::string name63(63, 'x');
  for (const std::string& name : {std::string("a"), name63, "a.b/" + name63, std::string("A_b-c.D"),
                                  std::string(253, 'p') + "/n", std::string("0/0")}) {
    EXPECT_TRUE(QualifiedNameErrors(name).empty()) << name;
  }
  for (const std::string& name :
       {std::string(), name63 + "x", std::string("-a"), std::string("a-"), std::string("/a"),
        std::string("a/"), std::string("a/b/c"), std::string("A/b"), std::string("a..b/c"),
        std::string("-a/b"), std::string(254, 'p') + "/n", std::string("a b"), std::string("a\n"),
        std::string("a\0", 2), std::string("\xc3\xa9")}) {
    EXPECT_FALSE(QualifiedNameErrors(name).empty()) << name;
  }
}

TEST(SplitSubscriptTest, RunsFromTheFirstOpeningToTheEnd) {
  struct Split {
    std::string_view in, path, subscript;
  };
  for (const Split& c :
       {Split{"metadata.annotations['myKey']", "metadata.annotations", "myKey"},
        Split{"metadata.annotations['a[b]c']", "metadata.annotations", "a[b]c"},
        Split{"metadata.labels['']", "metadata.labels", ""}, Split{"m['a']['b']", "m", "a']['b"}}) {
    const auto split = SplitSubscript(c.in);
    ASSERT_TRUE(split) << c.in;
    EXPECT_EQ(split->path, c.path);
    EXPECT_EQ(split->subscript, c.subscript);
  }
  for (const std::string_view in : {"metadata.labels", "['a']", "m[']", "']", "m['a'] ", ""}) {
    EXPECT_FALSE(SplitSubscript(in)) << in;
  }
}

}  // namespace
}  // namespace downwardfs
