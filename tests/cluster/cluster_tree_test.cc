// SPDX-License-Identifier: Apache-2.0
// The tree of a cluster that stands still.
#include "tests/cluster/cluster_fixture.h"
#include "tests/fakes/fake_clock.h"

namespace downwardfs::testing {
namespace {

TEST_F(ClusterTest, TheRootHasItsSixNames) {
  EXPECT_THAT(Names(""), UnorderedElementsAre("..status", "namespaces", "nodes", "by-label",
                                              "by-ip", "by-node"));
  EXPECT_EQ(tree_.Attr(kRootInode)->links, 2U + 5U);
}

TEST_F(ClusterTest, APodIsADirectoryOfItsFullView) {
  PutPod("web");
  const std::string at = "namespaces/default/pods/web";
  EXPECT_EQ(Read(at + "/podName"), "web\n");
  EXPECT_EQ(Read(at + "/labels"), "app=\"web\"\n");
  EXPECT_EQ(Read(at + "/labels.d/app"), "web\n");
  EXPECT_EQ(Read(at + "/annotations"), "");  // an empty value is an empty file
  EXPECT_THAT(Read(at + "/pod.json"), HasSubstr("\n  \"kind\": \"Pod\""));
  EXPECT_EQ(Read(at + "/pod.json").back(), '\n');
  EXPECT_THAT(Read(at + "/pod.yaml"), HasSubstr("\nkind: Pod\n"));
  EXPECT_THAT(Names(at), IsSupersetOf({"phase", "labels.d", "containers", "pod.json", "pod.yaml"}));
  EXPECT_FALSE(Exists(at + "/nothing"));
  EXPECT_FALSE(Exists(at + "/labels.d/nothing"));
  EXPECT_FALSE(Exists("namespaces/default/pods/other"));
}

TEST_F(ClusterTest, SizesTypesAndLinkCountsAreRight) {
  PutPod("web", {.spec = R"("containers":[{"name":"a"},{"name":"b"}])"});
  PutPod("db", {.uid = "u2"});
  const std::string pod = "namespaces/default/pods/web";
  EXPECT_EQ(Attr(pod + "/labels").size, std::string("app=\"web\"\n").size());
  EXPECT_EQ(Attr(pod + "/labels").mode, S_IFREG | 0444U);
  EXPECT_EQ(Attr("namespaces/default/pods").links, 2U + 2U);
  EXPECT_EQ(Attr(pod).links, 2U + 5U);
  EXPECT_EQ(Attr(pod + "/containers").links, 2U + 2U);
  EXPECT_EQ(Attr(pod + "/labels.d").links, 2U);
  const auto link = Attr("by-label/app/web/default_web");
  EXPECT_EQ(link.mode, S_IFLNK | 0777U);
  EXPECT_EQ(link.size, Link("by-label/app/web/default_web").size());
  // A listing says of each name what it is.
  const auto names = tree_.Names(Walk(pod));
  for (const DirectoryEntry& name : *names) {
    EXPECT_EQ(name.type, Attr(pod + "/" + name.name).mode & S_IFMT) << name.name;
  }
}

TEST_F(ClusterTest, TimesAreThoseOfTheObject) {
  PutPod(
      "web",
      {.status =
           R"("conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-03T00:00:00Z"}])"});
  using std::chrono::sys_days;
  const auto created = sys_days(std::chrono::January / 2 / 2026) + std::chrono::hours(3) +
                       std::chrono::minutes(4) + std::chrono::seconds(5);
  EXPECT_EQ(Attr("namespaces/default/pods/web").time, created);
  EXPECT_EQ(Attr("namespaces/default/pods/web/labels").time,
            sys_days(std::chrono::January / 3 / 2026));
}

TEST_F(ClusterTest, ListedInodesAreThoseThatLookupsFind) {
  PutPod("web");
  PutNode("n1");
  for (const std::string directory :
       {"", "namespaces", "namespaces/default", "namespaces/default/pods",
        "namespaces/default/pods/web", "nodes", "nodes/n1", "nodes/n1/pods", "by-label",
        "by-label/app", "by-label/app/web", "by-ip", "by-node"}) {
    const auto names = tree_.Names(Walk(directory));
    ASSERT_TRUE(names) << directory;
    for (const DirectoryEntry& name : *names) {
      if (name.type == S_IFREG) continue;
      EXPECT_EQ(name.id, Walk(JoinPath(directory, name.name))) << directory << "/" << name.name;
    }
  }
}

TEST_F(ClusterTest, LabelsLeadToTheirPods) {
  PutPod("a", {.uid = "1", .labels = R"("app":"web","app.kubernetes.io/part-of":"","tier":"x")"});
  PutPod("b", {.uid = "2", .labels = R"("app":"web")"});
  PutPod("c", {.uid = "3", .labels = R"("app":"db")", .ns = "other"});
  EXPECT_THAT(Names("by-label"), ElementsAre("app", "app.kubernetes.io%2Fpart-of", "tier"));
  EXPECT_THAT(Names("by-label/app"), ElementsAre("db", "web"));
  EXPECT_THAT(Names("by-label/app/web"), UnorderedElementsAre("default_a", "default_b"));
  EXPECT_THAT(Names("by-label/app.kubernetes.io%2Fpart-of"), ElementsAre("%"));
  EXPECT_EQ(Link("by-label/app.kubernetes.io%2Fpart-of/%/default_a"),
            "../../../namespaces/default/pods/a");
  EXPECT_EQ(Link("by-label/app/db/other_c"), "../../../namespaces/other/pods/c");
  EXPECT_FALSE(Exists("by-label/app/db/default_a"));
}

TEST_F(ClusterTest, ANodeHasItsOwnFilesAndItsPods) {
  PutNode("n1");
  PutPod("web");
  EXPECT_THAT(Names("nodes/n1"),
              UnorderedElementsAre("annotations", "labels", "allocatable", "capacity", "conditions",
                                   "node.json", "node.yaml", "pods"));
  EXPECT_EQ(Read("nodes/n1/allocatable/memory"), "1Gi\n");
  EXPECT_EQ(Read("nodes/n1/conditions/Ready"), "True\n");
  EXPECT_EQ(Read("nodes/n1/labels"), "zone=\"a\"\n");
  EXPECT_EQ(Attr("nodes/n1").links, 2U + 4U);
  EXPECT_THAT(Names("nodes/n1/conditions"), ElementsAre("Ready"));
  EXPECT_EQ(Link("nodes/n1/pods/default_web"), "../../../namespaces/default/pods/web");
  EXPECT_EQ(Link("by-node/n1"), "../nodes/n1/pods");
}

TEST_F(ClusterTest, ANodeThatMayNotBeReadStillHasItsPods) {
  PutPod("web");
  EXPECT_THAT(Names("nodes/n1"), ElementsAre("pods"));
  EXPECT_THAT(Names("nodes/n1/pods"), ElementsAre("default_web"));
  EXPECT_FALSE(Exists("nodes/n1/labels"));
}

TEST_F(ClusterTest, AnAddressLeadsToWhoHasItNow) {
  PutNode("n1");
  const auto at = [](const char* ip, const char* more = "") {
    return std::string(R"("phase":"Running","podIP":")") + ip + "\"" + more;
  };
  PutPod("own", {.uid = "1",
                 .status = at("10.0.0.1", R"(,"podIPs":[{"ip":"10.0.0.1"},{"ip":"fd00::1"}])")});
  EXPECT_EQ(Link("by-ip/10.0.0.1"), "../namespaces/default/pods/own");
  EXPECT_EQ(Link("by-ip/fd00::1"), "../namespaces/default/pods/own");
  // Finished pods keep an address that another has by now.
  PutPod("done", {.uid = "2",
                  .status = R"("phase":"Succeeded","podIP":"10.0.0.1")",
                  .created = "2026-02-01T00:00:00Z"});
  EXPECT_EQ(Link("by-ip/10.0.0.1"), "../namespaces/default/pods/own");
  // One host-network pod is found; of several, the node whose address it is.
  const std::string host = R"("nodeName":"n1","hostNetwork":true)";
  PutPod("h1", {.uid = "3", .spec = host, .status = at("192.0.2.2")});
  EXPECT_EQ(Link("by-ip/192.0.2.2"), "../namespaces/default/pods/h1");
  PutPod("h2", {.uid = "4", .spec = host, .status = at("192.0.2.2")});
  EXPECT_EQ(Link("by-ip/192.0.2.2"), "../nodes/n1");
}

TEST_F(ClusterTest, TheTableOfANamespaceHasARowPerPod) {
  PutPod("web");
  PutPod("db", {.uid = "u2"});
  const std::string table = Read("namespaces/default/pods.txt");
  EXPECT_THAT(table, ::testing::MatchesRegex("NAME +READY[^\n]*\ndb [^\n]*\nweb [^\n]*\n"));
  EXPECT_EQ(Attr("namespaces/default/pods.txt").size, table.size());
  EXPECT_FALSE(tree_.Lookup(Walk("namespaces/default"), "pods.txt")->keep_name);
  EXPECT_FALSE(Exists("namespaces/other/pods.txt"));
}

// Rule: what varies with time is another file when it is looked at anew, but not between the lstat
// and the open of one `cp`.
TEST_F(ClusterTest, TheStatusIsAnotherFileASecondLater) {
  FakeClock clock;
  auto options = Options();
  options.clock = &clock;
  ClusterTree tree(source_, options);
  const InodeId before = tree.Lookup(kRootInode, "..status")->id;
  EXPECT_EQ(*tree.Content(before, 0, 0), "{}\n");
  status_ = "{\"x\":1}\n";
  EXPECT_EQ(tree.Lookup(kRootInode, "..status")->id, before);
  clock.Advance(std::chrono::seconds(1));
  const InodeId after = tree.Lookup(kRootInode, "..status")->id;
  EXPECT_EQ(*tree.Content(after, 0, 0), "{\"x\":1}\n");
  EXPECT_EQ(*tree.Content(before, 0, 0), "{}\n");  // for who still has it open
}

TEST_F(ClusterTest, ATableStaysForAMomentWhilePodsChange) {
  FakeClock clock;
  auto options = Options();
  options.clock = &clock;
  ClusterTree tree(source_, options);
  const auto put = [&](const char* name) {
    PutPod(name, {.uid = name});
    tree.Follow(nullptr, source_.Get({"Pod", "default", name, ""}));
  };
  put("web");
  const InodeId ns = tree.Lookup(tree.Lookup(kRootInode, "namespaces")->id, "default")->id;
  const InodeId before = tree.Lookup(ns, "pods.txt")->id;
  put("db");
  EXPECT_EQ(tree.Lookup(ns, "pods.txt")->id, before);
  clock.Advance(std::chrono::milliseconds(250));
  const InodeId after = tree.Lookup(ns, "pods.txt")->id;
  EXPECT_THAT(*tree.Content(after, 0, 0), ::testing::HasSubstr("\ndb "));
  clock.Advance(std::chrono::milliseconds(999));
  EXPECT_EQ(tree.Lookup(ns, "pods.txt")->id, after);  // nothing has changed
}

// A directory may be known before its object is: its pods come first.
TEST_F(ClusterTest, ADirectoryGetsItsTimeWhenItsObjectComes) {
  PutPod("web");
  Walk("namespaces/default");
  Walk("nodes/n1");
  Put(R"({"kind":"Namespace","metadata":{"name":"default","uid":"x","resourceVersion":"1",)"
      R"("creationTimestamp":"2026-01-01T00:00:00Z"}})",
      {"Namespace", "", "default", ""});
  Put(R"({"kind":"Node","metadata":{"name":"n1","uid":"y","resourceVersion":"1",)"
      R"("creationTimestamp":"2026-01-01T00:00:00Z"}})",
      {"Node", "", "n1", ""});
  const Clock::WallTime created = std::chrono::sys_days(std::chrono::January / 1 / 2026);
  for (const char* path : {"namespaces/default", "namespaces/default/pods", "nodes/n1",
                           "nodes/n1/pods", "nodes/n1/conditions"}) {
    EXPECT_EQ(Attr(path).time, created) << path;
  }
}

TEST_F(ClusterTest, ANamespaceIsThereWithoutPods) {
  Put(R"({"kind":"Namespace","metadata":{"name":"empty","uid":"x","resourceVersion":"1"}})",
      {"Namespace", "", "empty", ""});
  EXPECT_THAT(Names("namespaces"), ElementsAre("empty"));
  EXPECT_THAT(Names("namespaces/empty/pods"), ElementsAre());
  auto options = Options();
  options.namespaces = {"asked-for"};
  const ClusterTree tree(source_, options);
  EXPECT_EQ(tree.GetStats().namespaces, 1U);
}

TEST(ObjectSummaryTest, WhatIsNotUtf8IsStillAPod) {
  const ObjectSummary pod = Summarize("{\"metadata\":{\"labels\":{\"app\":\"caf\xe9\"}}}");
  EXPECT_THAT(pod.labels, ElementsAre(::testing::Pair("app", "caf?")));
  EXPECT_THAT(Summarize("no JSON").labels, ElementsAre());
}

TEST_F(ClusterTest, AFileNamesItsFieldAndVersion) {
  PutPod("web", {.version = "77"});
  const auto origin = tree_.OriginOf(Walk("namespaces/default/pods/web/phase"));
  ASSERT_TRUE(origin);
  EXPECT_EQ(origin->source, "status.phase");
  EXPECT_EQ(origin->resource_version, "77");
  EXPECT_FALSE(tree_.OriginOf(Walk("namespaces/default/pods")));
}

}  // namespace
}  // namespace downwardfs::testing
