// SPDX-License-Identifier: Apache-2.0
// The effects of a change of the cluster on what the kernel knows.
#include "tests/cluster/cluster_fixture.h"

namespace downwardfs::testing {
namespace {

const std::string kWeb = "namespaces/default/pods/web";

TEST_F(ClusterTest, WhatTheKernelDoesNotKnowIsNotTakenBack) {
  PutPod("web");
  PutPod("web", {.version = "2", .labels = R"("app":"db")", .spec = R"("nodeName":"n2")"});
  DeletePod("web");
  EXPECT_THAT(taken_back_, IsEmpty());
  EXPECT_EQ(tree_.GetStats().known_inodes, 0U);
}

TEST_F(ClusterTest, AChangedPodsKnownFilesAreTakenBackAndNothingElse) {
  PutPod("web");
  PutPod("db", {.uid = "u2"});
  Walk(kWeb + "/labels");
  Walk(kWeb + "/labels.d/app");
  Walk("namespaces/default/pods/db/labels");
  PutPod("web", {.version = "2", .labels = R"("app":"new")"});
  EXPECT_THAT(taken_back_, UnorderedElementsAre(kWeb + "/labels", kWeb + "/labels.d/app"));
  EXPECT_EQ(Read(kWeb + "/labels"), "app=\"new\"\n");
}

TEST_F(ClusterTest, AnInodeStandsForOneContent) {
  PutPod("web");
  const InodeId labels = Walk(kWeb + "/labels");
  const InodeId phase = Walk(kWeb + "/phase");
  PutPod("web", {.version = "2", .labels = R"("app":"new")"});
  EXPECT_EQ(*tree_.Content(labels, 0, 0), "app=\"web\"\n");  // an open file keeps its bytes
  EXPECT_NE(Walk(kWeb + "/labels"), labels);
  // The same content is the same inode, and so are the pages that the kernel holds of it.
  EXPECT_EQ(Walk(kWeb + "/phase"), phase);
}

TEST_F(ClusterTest, AFileWithTheSameContentIsTakenBackAtTheNextChangeToo) {
  PutPod("web");
  Walk(kWeb + "/phase");
  PutPod("web", {.version = "2"});
  Walk(kWeb + "/phase");
  taken_back_.clear();
  PutPod("web", {.version = "3", .status = R"("phase":"Failed")"});
  EXPECT_THAT(taken_back_, ElementsAre(kWeb + "/phase"));
  EXPECT_EQ(Read(kWeb + "/phase"), "Failed\n");
}

TEST_F(ClusterTest, DirectoriesStayWhileTheirObjectLives) {
  PutPod("web");
  const InodeId pod = Walk(kWeb);
  const InodeId labels = Walk(kWeb + "/labels.d");
  PutPod("web", {.version = "2", .labels = R"("other":"x")"});
  EXPECT_EQ(Walk(kWeb), pod);
  EXPECT_EQ(Walk(kWeb + "/labels.d"), labels);
  EXPECT_THAT(Names(kWeb + "/labels.d"), ElementsAre("other"));
}

TEST_F(ClusterTest, ADeletedPodsNamesGoEverywhere) {
  PutPod("web");
  const InodeId pod = Walk(kWeb);
  Walk("by-label/app/web/default_web");
  Walk("by-ip/10.0.0.1");
  Walk("nodes/n1/pods/default_web");
  Walk("by-node/n1");
  DeletePod("web");
  EXPECT_THAT(taken_back_,
              ::testing::IsSupersetOf(
                  {std::string("namespaces/default"), kWeb, std::string("by-label/app"),
                   std::string("by-label/app/web"), std::string("by-label/app/web/default_web"),
                   std::string("by-ip/10.0.0.1"), std::string("nodes/n1"),
                   std::string("nodes/n1/pods/default_web"), std::string("by-node/n1")}));
  for (const char* directory : {"namespaces", "by-label", "by-ip", "by-node", "nodes"}) {
    EXPECT_THAT(Names(directory), IsEmpty()) << directory;
  }
  // A process that still stands in its directory finds nothing there.
  EXPECT_FALSE(tree_.Lookup(pod, "labels"));
  EXPECT_FALSE(tree_.Names(pod));
  EXPECT_EQ(tree_.Attr(pod)->links, 0U);
}

TEST_F(ClusterTest, APodMadeAgainUnderItsNameIsAnother) {
  PutPod("web");
  const InodeId before = Walk(kWeb);
  PutPod("web", {.uid = "u2", .version = "9"});
  EXPECT_THAT(taken_back_, Contains(kWeb));
  EXPECT_FALSE(tree_.Lookup(before, "labels"));
  EXPECT_NE(Walk(kWeb), before);
  EXPECT_EQ(Read(kWeb + "/uid"), "u2\n");
}

TEST_F(ClusterTest, ALinkThatLeadsElsewhereIsTakenBack) {
  PutPod("a", {.uid = "1"});
  const InodeId link = Walk("by-ip/10.0.0.1");
  PutPod("b", {.uid = "2", .created = "2026-05-01T00:00:00Z"});
  // Nobody tells the kernel of the newcomer's own names, but this one means another pod now.
  EXPECT_EQ(Link("by-ip/10.0.0.1"), "../namespaces/default/pods/b");
  EXPECT_NE(Walk("by-ip/10.0.0.1"), link);
  EXPECT_THAT(taken_back_, ElementsAre("by-ip/10.0.0.1"));
}

TEST_F(ClusterTest, APodThatIsBoundShowsAtItsNode) {
  PutPod("web", {.spec = ""});
  EXPECT_THAT(Names("nodes"), IsEmpty());
  PutPod("web", {.version = "2"});
  EXPECT_THAT(Names("nodes/n1/pods"), ElementsAre("default_web"));
}

TEST_F(ClusterTest, ANodesFilesFollowIt) {
  PutNode("n1");
  EXPECT_EQ(Read("nodes/n1/allocatable/memory"), "1Gi\n");
  PutNode("n1", "2", "2Gi");
  EXPECT_THAT(taken_back_, ElementsAre("nodes/n1/allocatable/memory"));
  EXPECT_EQ(Read("nodes/n1/allocatable/memory"), "2Gi\n");
  PutPod("web");
  taken_back_.clear();
  Delete({"Node", "", "n1", ""});
  // Its pods are still bound to it.
  EXPECT_THAT(taken_back_,
              UnorderedElementsAre("nodes/n1/allocatable", "nodes/n1/allocatable/memory"));
  EXPECT_THAT(Names("nodes/n1"), ElementsAre("pods"));
}

TEST_F(ClusterTest, WhatTheKernelForgetsCostsNothing) {
  PutPod("web");
  std::map<InodeId, std::uint64_t> lookups;
  InodeId at = kRootInode;
  for (const char* name : {"namespaces", "default", "pods", "web", "labels"}) {
    at = tree_.Lookup(at, name)->id;
    ++lookups[at];
  }
  EXPECT_EQ(tree_.GetStats().known_inodes, 5U);
  std::vector<Forgotten> all;
  for (const auto& [id, count] : lookups) all.push_back({id, count});
  tree_.Forget(all);
  EXPECT_EQ(tree_.GetStats().known_inodes, 0U);
  EXPECT_EQ(tree_.Content(at, 0, 0), nullptr);
  PutPod("web", {.version = "2", .labels = R"("a":"b")"});
  EXPECT_THAT(taken_back_, IsEmpty());
}

// A walk over everything leaves only so many files with the kernel, the latest.
TEST_F(ClusterTest, TheOldestFilesAreTakenBackWhereThereAreTooMany) {
  auto options = Options();
  options.known_leaves = 100;
  ClusterTree tree(source_, options);
  std::vector<std::string> names;
  std::vector<Forgotten> forgotten;
  tree.SetNotice([&](InodeId, const std::string& name) { names.push_back(name); });
  PutPod("web", {.labels = [] {
           std::string labels = R"("l0":"x")";
           for (int i = 1; i < 300; ++i) labels += ",\"l" + std::to_string(i) + R"(":"x")";
           return labels;
         }()});
  tree.Follow(nullptr, source_.Get({"Pod", "default", "web", ""}));
  InodeId at = kRootInode;
  for (const char* name : {"namespaces", "default", "pods", "web", "labels.d"}) {
    at = tree.Lookup(at, name)->id;
  }
  for (int i = 0; i < 300; ++i) {
    const auto reply = tree.Lookup(at, "l" + std::to_string(i));
    ASSERT_TRUE(reply) << i;
    forgotten.push_back({reply->id, 1});
  }
  EXPECT_GE(names.size(), 190U);
  EXPECT_THAT(names, Contains("l0"));
  EXPECT_THAT(names, ::testing::Not(Contains("l299")));
  tree.Forget(forgotten);
  EXPECT_EQ(tree.GetStats().known_inodes, 5U);
  // A label that was taken back is found again.
  EXPECT_TRUE(tree.Lookup(at, "l0"));
}

// So are the oldest links, each of which is looked up for itself.
TEST_F(ClusterTest, TheOldestLinksAreTakenBackWhereThereAreTooMany) {
  auto options = Options();
  options.known_leaves = 100;
  ClusterTree tree(source_, options);
  std::vector<std::string> names;
  tree.SetNotice([&](InodeId, const std::string& name) { names.push_back(name); });
  for (int i = 0; i < 300; ++i) {
    const std::string name = "p" + std::to_string(i);
    PutPod(name, {.uid = name});
    tree.Follow(nullptr, source_.Get({"Pod", "default", name, ""}));
  }
  InodeId at = kRootInode;
  for (const char* name : {"by-label", "app", "web"}) at = tree.Lookup(at, name)->id;
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(tree.Lookup(at, "default_p" + std::to_string(i))) << i;
  }
  EXPECT_GE(names.size(), 190U);
  EXPECT_THAT(names, Contains("default_p0"));
  EXPECT_THAT(names, ::testing::Not(Contains("web")));
  // A link that was taken back is found again.
  EXPECT_TRUE(tree.Lookup(at, "default_p0"));
}

// Replicas share a set of labels: it must let go of each of them and of nothing else.
TEST_F(ClusterTest, TenThousandChangesLeaveTheIndexExact) {
  std::map<std::string, std::string> expected;  // pod to its label
  std::uint32_t random = 1;
  for (int i = 0; i < 10'000; ++i) {
    random = random * 1664525 + 1013904223;
    const std::string name = "p" + std::to_string(random >> 8 & 63);
    const std::string label = "v" + std::to_string(random >> 16 & 7);
    const std::string node = "n" + std::to_string(random >> 20 & 3);
    if ((random >> 28) < 5) {
      if (expected.erase(name) != 0) DeletePod(name);
      continue;
    }
    expected[name] = label;
    PutPod(name, {.uid = name,
                  .version = std::to_string(i),
                  .labels = R"("l":")" + label + '"',
                  .spec = R"("nodeName":")" + node + '"',
                  .status = R"("podIP":"10.0.0.)" + std::to_string(random >> 4 & 15) + '"'});
  }
  std::map<std::string, std::string> shown;
  for (const std::string& value : Names("by-label/l")) {
    for (const std::string& link : Names("by-label/l/" + value)) shown[link.substr(8)] = value;
  }
  EXPECT_EQ(shown, expected);
  std::size_t on_nodes = 0;
  for (const std::string& node : Names("nodes"))
    on_nodes += Names("nodes/" + node + "/pods").size();
  EXPECT_EQ(on_nodes, expected.size());
  for (const auto& [name, label] : expected) DeletePod(name);
  for (const char* directory : {"namespaces", "by-label", "by-ip", "by-node", "nodes"}) {
    EXPECT_THAT(Names(directory), IsEmpty()) << directory;
  }
}

}  // namespace
}  // namespace downwardfs::testing
