// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/versioned_nodes.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <set>

namespace downwardfs {
namespace {

using ::testing::ElementsAre;

ProjectedFile File(std::string path, std::string content, std::uint32_t mode = 0644) {
  return {std::move(path), std::move(content), mode, "metadata.name", ""};
}

VolumeVersionPtr Version(std::vector<ProjectedFile> files, std::string data_dir) {
  return VolumeVersion::Make(std::move(files), std::move(data_dir),
                             std::chrono::system_clock::now());
}

std::vector<DirectoryEntry> Entries(const VersionedNodes& nodes, NodeId id) {
  auto entries = nodes.List(id);
  EXPECT_TRUE(entries);
  return entries.value_or(std::vector<DirectoryEntry>());
}

std::vector<std::string> Names(const VersionedNodes& nodes, NodeId id) {
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : Entries(nodes, id)) names.push_back(entry.name);
  return names;
}

class VersionedNodesTest : public ::testing::Test {
 protected:
  // Walks `path` as the kernel does, following the links of the volume itself.
  std::optional<NodeAttr> Walk(std::initializer_list<const char*> path) {
    NodeId id = kRootNode;
    std::optional<NodeAttr> attr = nodes_.Attr(id);
    for (const char* name : path) {
      attr = nodes_.Lookup(id, name);
      if (!attr) return std::nullopt;
      id = attr->id;
    }
    return attr;
  }

  VersionedNodes nodes_{Ownership{}, std::chrono::system_clock::now()};
};

TEST_F(VersionedNodesTest, RootHasTheKubeletsLayout) {
  nodes_.Install(Version({File("labels", "a"), File("res/cpu", "1"), File("res/mem", "2")}, "..v1"),
                 "7");
  EXPECT_THAT(Names(nodes_, kRootNode), ElementsAre(".", "..", "..data", "..v1", "labels", "res"));
  EXPECT_EQ(nodes_.Attr(kRootNode)->mode, static_cast<std::uint32_t>(S_IFDIR | 01777));
  EXPECT_EQ(nodes_.Attr(kRootNode)->links, 3u);
  EXPECT_EQ(nodes_.ReadLink(Walk({"..data"})->id), "..v1");
  EXPECT_EQ(nodes_.ReadLink(Walk({"labels"})->id), "..data/labels");
  EXPECT_EQ(nodes_.ReadLink(Walk({"res"})->id), "..data/res");
  EXPECT_EQ(Walk({"..v1"})->mode, static_cast<std::uint32_t>(S_IFDIR | 0755));
  EXPECT_EQ(Walk({"..v1"})->links, 3u);
  EXPECT_THAT(Names(nodes_, Walk({"..v1", "res"})->id), ElementsAre(".", "..", "cpu", "mem"));
  const auto file = nodes_.File(Walk({"..v1", "res", "mem"})->id);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->entry->content, "2");
  EXPECT_EQ(file->resource_version, "7");
}

TEST_F(VersionedNodesTest, ListedNodeIdsAreThoseThatLookupGives) {
  nodes_.Install(Version({File("a/b/c", "x"), File("d", "y")}, "..v1"), "");
  for (const DirectoryEntry& entry : Entries(nodes_, kRootNode)) {
    if (entry.name.size() > 2 || entry.name[0] != '.') {
      EXPECT_EQ(Walk({entry.name.c_str()})->id, entry.id) << entry.name;
    }
  }
  const auto b = Walk({"..v1", "a", "b"});
  const auto entries = Entries(nodes_, b->id);
  EXPECT_EQ(entries[1].id, Walk({"..v1", "a"})->id);  // ".."
  EXPECT_EQ(entries[2].id, Walk({"..v1", "a", "b", "c"})->id);
}

TEST_F(VersionedNodesTest, FsGroupGivesTheKubeletsModesAndGroup) {
  VersionedNodes nodes(Ownership{0, 0, 1234}, std::chrono::system_clock::now());
  nodes.Install(Version({File("f", "x", 0400), File("d/g", "y", 0004)}, "..v1"), "");
  EXPECT_EQ(nodes.Attr(kRootNode)->mode, static_cast<std::uint32_t>(S_IFDIR | 03777));
  const auto data = *nodes.Lookup(kRootNode, "..v1");
  EXPECT_EQ(data.mode, static_cast<std::uint32_t>(S_IFDIR | 02755));
  EXPECT_EQ(data.gid, 1234u);
  EXPECT_EQ(nodes.Lookup(data.id, "f")->mode, static_cast<std::uint32_t>(S_IFREG | 0440));
  const auto directory = *nodes.Lookup(data.id, "d");
  EXPECT_EQ(nodes.Lookup(directory.id, "g")->mode, static_cast<std::uint32_t>(S_IFREG | 0444));
}

TEST_F(VersionedNodesTest, AnOldVersionKeepsResolvingUntilItExpires) {
  nodes_.Install(Version({File("labels", "old")}, "..v1"), "");
  const auto old_directory = *Walk({"..v1"});
  const auto flip = nodes_.Install(Version({File("labels", "new")}, "..v2"), "");
  EXPECT_THAT(flip.stale_names, ElementsAre("..data"));
  ASSERT_TRUE(flip.retired);
  // By its name, though it is not listed, and through a held directory.
  EXPECT_TRUE(Walk({"..v1", "labels"}));
  EXPECT_THAT(Names(nodes_, kRootNode), ElementsAre(".", "..", "..data", "..v2", "labels"));
  EXPECT_EQ(nodes_.ReadLink(Walk({"..data"})->id), "..v2");

  EXPECT_EQ(nodes_.Expire(*flip.retired), "..v1");
  EXPECT_FALSE(Walk({"..v1"}));
  const auto held = nodes_.Lookup(old_directory.id, "labels");
  ASSERT_TRUE(held);
  EXPECT_EQ(nodes_.File(held->id)->entry->content, "old");
}

TEST_F(VersionedNodesTest, AVersionIsFreedWhenTheKernelForgotAllOfIt) {
  nodes_.Install(Version({File("labels", "old")}, "..v1"), "");
  const NodeId directory = Walk({"..v1"})->id;
  const NodeId file = nodes_.Lookup(directory, "labels")->id;
  const auto flip = nodes_.Install(Version({File("labels", "new")}, "..v2"), "");
  nodes_.Expire(*flip.retired);
  EXPECT_EQ(nodes_.GetStats().versions, 2u);
  nodes_.Forget(directory, 1);
  EXPECT_EQ(nodes_.GetStats().versions, 2u);
  nodes_.Forget(file, 1);
  EXPECT_EQ(nodes_.GetStats().versions, 1u);
  EXPECT_FALSE(nodes_.Attr(file));
}

TEST_F(VersionedNodesTest, NodeIdsAreNeverUsedAgain) {
  std::set<NodeId> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "..v" + std::to_string(i);
    const auto flip = nodes_.Install(Version({File("f", std::to_string(i))}, name), "");
    const NodeId id = Walk({name.c_str(), "f"})->id;
    EXPECT_TRUE(seen.insert(id).second);
    nodes_.Forget(id, 1);
    nodes_.Forget(nodes_.Lookup(kRootNode, name)->id, 2);
    if (flip.retired) nodes_.Expire(*flip.retired);
  }
  EXPECT_EQ(nodes_.GetStats().versions, 1u);
  EXPECT_EQ(nodes_.GetStats().lookups, 0u);
}

TEST_F(VersionedNodesTest, ALinkGoesWithTheLastItemBelowIt) {
  nodes_.Install(Version({File("a", "1"), File("b", "2")}, "..v1"), "");
  const NodeId b = Walk({"b"})->id;
  const auto flip = nodes_.Install(Version({File("a", "1"), File("c/d", "3")}, "..v2"), "");
  EXPECT_THAT(flip.stale_names, ElementsAre("..data", "b"));
  EXPECT_FALSE(Walk({"b"}));
  EXPECT_EQ(nodes_.ReadLink(b), "..data/b");  // held by somebody
  nodes_.Forget(b, 1);
  EXPECT_FALSE(nodes_.ReadLink(b));
  EXPECT_THAT(Names(nodes_, kRootNode), ElementsAre(".", "..", "..data", "..v2", "a", "c"));
}

TEST_F(VersionedNodesTest, CookiesStayWhileOtherNamesComeAndGo) {
  nodes_.Install(Version({File("a", ""), File("b", ""), File("c", "")}, "..v1"), "");
  const auto cookie = [&](const std::string& name) {
    for (const DirectoryEntry& entry : Entries(nodes_, kRootNode)) {
      if (entry.name == name) return entry.cookie;
    }
    return std::uint64_t{0};
  };
  const auto c = cookie("c");
  nodes_.Install(Version({File("a", ""), File("aa", ""), File("c", "")}, "..v2"), "");
  EXPECT_EQ(cookie("c"), c);
  std::uint64_t last = 0;
  for (const DirectoryEntry& entry : Entries(nodes_, kRootNode)) {
    EXPECT_GT(entry.cookie, last) << entry.name;
    last = entry.cookie;
  }
}

TEST_F(VersionedNodesTest, TheRootsTimeGrowsWithEveryFlip) {
  const auto at = std::chrono::system_clock::now();
  auto last = nodes_.Attr(kRootNode)->time;
  for (int i = 0; i < 3; ++i) {
    nodes_.Install(VolumeVersion::Make({}, "..v" + std::to_string(i), at), "");
    EXPECT_GT(nodes_.Attr(kRootNode)->time, last);
    last = nodes_.Attr(kRootNode)->time;
  }
}

TEST_F(VersionedNodesTest, WhatIsNotThereIsNotFound) {
  EXPECT_FALSE(Walk({"..data"}));  // nothing installed yet
  EXPECT_THAT(Names(nodes_, kRootNode), ElementsAre(".", ".."));
  nodes_.Install(Version({}, "..v1"), "");
  EXPECT_THAT(Names(nodes_, Walk({"..v1"})->id), ElementsAre(".", ".."));
  EXPECT_FALSE(Walk({"labels"}));
  EXPECT_FALSE(Walk({"..data", "x"}));
  EXPECT_FALSE(nodes_.Attr(12345));
  EXPECT_FALSE(nodes_.List(12345));
  EXPECT_FALSE(nodes_.File(kRootNode));
  nodes_.Forget(12345, 1);
  EXPECT_FALSE(nodes_.Expire(12345));
}

}  // namespace
}  // namespace downwardfs
