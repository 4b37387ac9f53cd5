// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/kubelet_layout.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <set>

#include "tests/support/projected.h"

namespace downwardfs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

VolumeVersionPtr Version(std::vector<ProjectedFile> files, std::string data_dir) {
  return VolumeVersion::Make(std::move(files), std::move(data_dir),
                             std::chrono::system_clock::now());
}

std::vector<DirectoryEntry> Entries(KubeletLayout& nodes, InodeId id) {
  const auto entries = nodes.List(id, 0, true);
  EXPECT_TRUE(entries);
  return entries ? *entries : std::vector<DirectoryEntry>();
}

std::vector<std::string> Names(KubeletLayout& nodes, InodeId id) {
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : Entries(nodes, id)) names.push_back(entry.name);
  return names;
}

// A version that is shown at once, as the first one and those without events are.
struct Shown {
  std::vector<std::string> stale_names;
  InodeId id = 0;
  InodeId retired = 0;
};

Shown Install(KubeletLayout& nodes, VolumeVersionPtr version, std::string resource_version = "") {
  const auto flip = nodes.Stage(std::move(version), std::move(resource_version));
  return {nodes.Show(flip), flip.version, flip.retires};
}

class KubeletLayoutTest : public ::testing::Test {
 protected:
  // Walks `path` as the kernel does, following the links of the volume itself.
  std::optional<Entry> Walk(std::initializer_list<const char*> path) {
    InodeId id = kRootInode;
    std::optional<Entry> attr = nodes_.Attr(id);
    for (const char* name : path) {
      attr = nodes_.Lookup(id, name);
      if (!attr) return std::nullopt;
      id = attr->id;
    }
    return attr;
  }

  KubeletLayout nodes_{Ownership{}, std::chrono::system_clock::now()};
};

TEST_F(KubeletLayoutTest, RootHasTheKubeletsLayout) {
  Install(nodes_,
          Version({File("labels", "a"), File("res/cpu", "1"), File("res/mem", "2")}, "..v1"), "7");
  EXPECT_THAT(Names(nodes_, kRootInode), ElementsAre(".", "..", "..data", "..v1", "labels", "res"));
  EXPECT_EQ(nodes_.Attr(kRootInode)->mode, static_cast<std::uint32_t>(S_IFDIR | 01777));
  EXPECT_EQ(nodes_.Attr(kRootInode)->links, 3u);
  EXPECT_EQ(nodes_.ReadLink(Walk({"..data"})->id), "..v1");
  EXPECT_EQ(nodes_.ReadLink(Walk({"labels"})->id), "..data/labels");
  EXPECT_EQ(nodes_.ReadLink(Walk({"res"})->id), "..data/res");
  EXPECT_EQ(Walk({"..v1"})->mode, static_cast<std::uint32_t>(S_IFDIR | 0755));
  EXPECT_EQ(Walk({"..v1"})->links, 3u);
  EXPECT_THAT(Names(nodes_, Walk({"..v1", "res"})->id), ElementsAre(".", "..", "cpu", "mem"));
  const auto file = nodes_.File(Walk({"..v1", "res", "mem"})->id);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->content(), "2");
  EXPECT_EQ(file->resource_version, "7");
}

TEST_F(KubeletLayoutTest, ListedNodeIdsAreThoseThatLookupGives) {
  Install(nodes_, Version({File("a/b/c", "x"), File("d", "y")}, "..v1"), "");
  for (const DirectoryEntry& entry : Entries(nodes_, kRootInode)) {
    if (entry.name.size() > 2 || entry.name[0] != '.') {
      EXPECT_EQ(Walk({entry.name.c_str()})->id, entry.id) << entry.name;
    }
  }
  const auto b = Walk({"..v1", "a", "b"});
  const auto entries = Entries(nodes_, b->id);
  EXPECT_EQ(entries[1].id, Walk({"..v1", "a"})->id);  // ".."
  EXPECT_EQ(entries[2].id, Walk({"..v1", "a", "b", "c"})->id);
}

TEST_F(KubeletLayoutTest, FsGroupGivesTheKubeletsModesAndGroup) {
  KubeletLayout nodes(Ownership{0, 0, 1234}, std::chrono::system_clock::now());
  Install(nodes, Version({File("f", "x", 0400), File("d/g", "y", 0004)}, "..v1"), "");
  EXPECT_EQ(nodes.Attr(kRootInode)->mode, static_cast<std::uint32_t>(S_IFDIR | 03777));
  const auto data = *nodes.Lookup(kRootInode, "..v1");
  EXPECT_EQ(data.mode, static_cast<std::uint32_t>(S_IFDIR | 02755));
  EXPECT_EQ(data.gid, 1234u);
  EXPECT_EQ(nodes.Lookup(data.id, "f")->mode, static_cast<std::uint32_t>(S_IFREG | 0440));
  const auto directory = *nodes.Lookup(data.id, "d");
  EXPECT_EQ(nodes.Lookup(directory.id, "g")->mode, static_cast<std::uint32_t>(S_IFREG | 0444));
}

TEST_F(KubeletLayoutTest, AnOldVersionKeepsResolvingUntilItExpires) {
  Install(nodes_, Version({File("labels", "old")}, "..v1"), "");
  const auto old_directory = *Walk({"..v1"});
  const auto flip = Install(nodes_, Version({File("labels", "new")}, "..v2"), "");
  EXPECT_THAT(flip.stale_names, ElementsAre("..data", "..data_tmp"));
  ASSERT_NE(flip.retired, 0u);
  // By its name, though it is not listed, and through a held directory.
  EXPECT_TRUE(Walk({"..v1", "labels"}));
  EXPECT_THAT(Names(nodes_, kRootInode), ElementsAre(".", "..", "..data", "..v2", "labels"));
  EXPECT_EQ(nodes_.ReadLink(Walk({"..data"})->id), "..v2");

  nodes_.Expire(flip.retired);
  EXPECT_FALSE(Walk({"..v1"}));
  const auto held = nodes_.Lookup(old_directory.id, "labels");
  ASSERT_TRUE(held);
  EXPECT_EQ(nodes_.File(held->id)->content(), "old");
}

TEST_F(KubeletLayoutTest, AVersionIsFreedWhenTheKernelForgotAllOfIt) {
  Install(nodes_, Version({File("labels", "old")}, "..v1"), "");
  const InodeId directory = Walk({"..v1"})->id;
  const InodeId file = nodes_.Lookup(directory, "labels")->id;
  const auto flip = Install(nodes_, Version({File("labels", "new")}, "..v2"), "");
  nodes_.Expire(flip.retired);
  EXPECT_EQ(nodes_.GetStats().versions, 2u);
  nodes_.ForgetOne(directory, 1);
  EXPECT_EQ(nodes_.GetStats().versions, 2u);
  nodes_.ForgetOne(file, 1);
  EXPECT_EQ(nodes_.GetStats().versions, 1u);
  EXPECT_FALSE(nodes_.Attr(file));
}

TEST_F(KubeletLayoutTest, NodeIdsAreNeverUsedAgain) {
  std::set<InodeId> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "..v" + std::to_string(i);
    const auto flip = Install(nodes_, Version({File("f", std::to_string(i))}, name), "");
    const InodeId id = Walk({name.c_str(), "f"})->id;
    EXPECT_TRUE(seen.insert(id).second);
    nodes_.ForgetOne(id, 1);
    nodes_.ForgetOne(nodes_.Lookup(kRootInode, name)->id, 2);
    nodes_.Expire(flip.retired);
  }
  EXPECT_EQ(nodes_.GetStats().versions, 1u);
  EXPECT_EQ(nodes_.GetStats().lookups, 0u);
}

TEST_F(KubeletLayoutTest, ALinkGoesWithTheLastItemBelowIt) {
  Install(nodes_, Version({File("a", "1"), File("b", "2")}, "..v1"), "");
  const InodeId b = Walk({"b"})->id;
  const auto flip = Install(nodes_, Version({File("a", "1"), File("c/d", "3")}, "..v2"), "");
  EXPECT_THAT(flip.stale_names, ElementsAre("..data", "..data_tmp", "b"));
  EXPECT_FALSE(Walk({"b"}));
  EXPECT_EQ(nodes_.ReadLink(b), "..data/b");  // held by somebody
  nodes_.ForgetOne(b, 1);
  EXPECT_FALSE(nodes_.ReadLink(b));
  EXPECT_THAT(Names(nodes_, kRootInode), ElementsAre(".", "..", "..data", "..v2", "a", "c"));
}

TEST_F(KubeletLayoutTest, CookiesStayWhileOtherNamesComeAndGo) {
  Install(nodes_, Version({File("a", ""), File("b", ""), File("c", "")}, "..v1"), "");
  const auto cookie = [&](const std::string& name) {
    for (const DirectoryEntry& entry : Entries(nodes_, kRootInode)) {
      if (entry.name == name) return entry.cookie;
    }
    return std::uint64_t{0};
  };
  const auto c = cookie("c");
  Install(nodes_, Version({File("a", ""), File("aa", ""), File("c", "")}, "..v2"), "");
  EXPECT_EQ(cookie("c"), c);
  std::uint64_t last = 0;
  for (const DirectoryEntry& entry : Entries(nodes_, kRootInode)) {
    EXPECT_GT(entry.cookie, last) << entry.name;
    last = entry.cookie;
  }
}

TEST_F(KubeletLayoutTest, TheRootsTimeGrowsWithEveryFlip) {
  const auto at = std::chrono::system_clock::now();
  auto last = nodes_.Attr(kRootInode)->time;
  for (int i = 0; i < 3; ++i) {
    Install(nodes_, VolumeVersion::Make({}, "..v" + std::to_string(i), at), "");
    EXPECT_GT(nodes_.Attr(kRootInode)->time, last);
    last = nodes_.Attr(kRootInode)->time;
  }
}

using Kind = TreeChange::Kind;

// The effects of the publisher's system calls, in their order.
class KubeletLayoutFlipTest : public KubeletLayoutTest {
 protected:
  std::optional<Entry> Make(const TreeChange& change) {
    nodes_.Arm(change);
    auto attr = nodes_.Apply(change);
    nodes_.Arm({});
    return attr;
  }
  TreeChange InRoot(Kind kind, std::string name, std::string new_name = "") {
    return {kind, kRootInode, std::move(name), std::move(new_name)};
  }
  KubeletLayout::Flip FlipTo(VolumeVersionPtr version) {
    const std::string dir = version->data_dir();
    auto flip = nodes_.Stage(std::move(version), "");
    EXPECT_TRUE(Make(InRoot(Kind::kMakeDirectory, dir)));
    EXPECT_TRUE(Make(InRoot(Kind::kMakeLink, "..data_tmp")));
    EXPECT_TRUE(Make(InRoot(Kind::kRename, "..data_tmp", "..data")));
    return flip;
  }
};

TEST_F(KubeletLayoutFlipTest, TheVersionIsShownByTheRenameAndNotBefore) {
  Install(nodes_, Version({File("labels", "old")}, "..v1"));
  const auto flip = nodes_.Stage(Version({File("labels", "new")}, "..v2"), "9");
  EXPECT_FALSE(Walk({"..v2"}));
  const auto made = Make(InRoot(Kind::kMakeDirectory, "..v2"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->id, Walk({"..v2"})->id);
  EXPECT_FALSE(Walk({"..data_tmp"}));
  const auto link = Make(InRoot(Kind::kMakeLink, "..data_tmp"));
  EXPECT_EQ(nodes_.ReadLink(link->id), "..v2");
  EXPECT_EQ(nodes_.ReadLink(Walk({"..data"})->id), "..v1");
  EXPECT_THAT(Names(nodes_, kRootInode), ElementsAre(".", "..", "..data", "..v1", "labels"));
  ASSERT_TRUE(Make(InRoot(Kind::kRename, "..data_tmp", "..data")));
  EXPECT_EQ(Walk({"..data"})->id, link->id);
  EXPECT_FALSE(Walk({"..data_tmp"}));
  EXPECT_EQ(nodes_.GetStats().data_dir, "..v2");
  EXPECT_EQ(flip.retired_dir, "..v1");
}

// As when its caches are dropped in the middle of an update.
TEST_F(KubeletLayoutFlipTest, TheNewLinkIsFoundAgainWhenTheKernelForgotIt) {
  Install(nodes_, Version({File("a", "1")}, "..v1"));
  nodes_.Stage(Version({File("a", "2")}, "..v2"), "");
  EXPECT_FALSE(nodes_.Lookup(kRootInode, "..data_tmp"));
  ASSERT_TRUE(Make(InRoot(Kind::kMakeDirectory, "..v2")));
  const auto link = Make(InRoot(Kind::kMakeLink, "..data_tmp"));
  ASSERT_TRUE(link);
  nodes_.ForgetOne(link->id, 1);
  const auto again = nodes_.Lookup(kRootInode, "..data_tmp");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, link->id);
}

TEST_F(KubeletLayoutFlipTest, NothingIsTakenFromAnybodyElse) {
  Install(nodes_, Version({File("labels", "old")}, "..v1"));
  nodes_.Stage(Version({File("labels", "new")}, "..v2"), "");
  const auto directory = Walk({"..v1"})->id;
  for (const TreeChange& change :
       {InRoot(Kind::kMakeDirectory, "..v2"), InRoot(Kind::kMakeLink, "..data_tmp"),
        InRoot(Kind::kRename, "..data_tmp", "..data"), InRoot(Kind::kUnlink, "labels"),
        InRoot(Kind::kRemoveDirectory, "..v1"), TreeChange{Kind::kUnlink, directory, "labels", ""},
        TreeChange{Kind::kSetAttributes, directory, "", ""}, TreeChange{}}) {
    EXPECT_FALSE(nodes_.Apply(change));
    // Nor while another change is armed.
    nodes_.Arm(InRoot(Kind::kMakeDirectory, "..other"));
    EXPECT_FALSE(nodes_.Apply(change));
    nodes_.Arm({});
  }
  // A change that is armed but makes no sense changes nothing either.
  EXPECT_FALSE(Make(InRoot(Kind::kMakeDirectory, "..other")));
  EXPECT_FALSE(Make(InRoot(Kind::kRemoveDirectory, "..v1")));  // the shown one
  EXPECT_EQ(nodes_.GetStats().data_dir, "..v1");
  EXPECT_TRUE(Walk({"..v1", "labels"}));
}

TEST_F(KubeletLayoutFlipTest, AnUnlinkedFileIsFoundAgainAsAnotherInode) {
  Install(nodes_, Version({File("labels", "old"), File("res/cpu", "1")}, "..v1"));
  const auto first = *Walk({"..v1", "labels"});
  const auto flip = FlipTo(Version({File("labels", "new"), File("res/cpu", "1")}, "..v2"));
  const auto known = nodes_.KnownFiles(flip.retires);
  ASSERT_EQ(known.size(), 1u);  // nobody has looked at res/cpu
  EXPECT_EQ(known[0].path, "..v1/labels");
  ASSERT_TRUE(Make(known[0].removal));
  EXPECT_TRUE(nodes_.KnownFiles(flip.retires).empty());
  EXPECT_EQ(nodes_.Attr(first.id)->links, 0u);  // as the kernel has it
  const auto again = *Walk({"..v1", "labels"});
  EXPECT_NE(again.id, first.id);
  EXPECT_EQ(again.links, 1u);
  EXPECT_EQ(nodes_.File(again.id)->content(), "old");
  EXPECT_EQ(nodes_.File(first.id)->content(), "old");
  for (const DirectoryEntry& entry : Entries(nodes_, Walk({"..v1"})->id)) {
    if (entry.name == "labels") {
      EXPECT_EQ(entry.id, again.id);
    }
  }
}

TEST_F(KubeletLayoutFlipTest, AHeldDirectoryOutlivesTheRemovalOfItsName) {
  Install(nodes_, Version({File("res/cpu", "1")}, "..v1"));
  const auto held = *Walk({"..v1"});
  const auto flip = FlipTo(Version({File("res/cpu", "2")}, "..v2"));
  nodes_.Orphan(flip.retires);
  EXPECT_EQ(nodes_.Attr(held.id)->links, 0u);
  nodes_.ShowAlias(flip.retires);
  const auto alias = *Walk({"..v1"});
  EXPECT_NE(alias.id, held.id);
  EXPECT_EQ(alias.links, 3u);
  ASSERT_TRUE(Make(InRoot(Kind::kRemoveDirectory, "..v1")));
  EXPECT_FALSE(Walk({"..v1"}));
  const auto below = nodes_.Lookup(nodes_.Lookup(held.id, "res")->id, "cpu");
  EXPECT_EQ(nodes_.File(below->id)->content(), "1");
}

// A walk that was on its way there is sent round again; whoever asks for the name itself is not.
TEST_F(KubeletLayoutFlipTest, ARemovedNameLeadsEachThreadElsewhereOnce) {
  Install(nodes_, Version({File("a", "1")}, "..v1"));
  const auto flip = FlipTo(Version({File("a", "2")}, "..v2"));
  EXPECT_FALSE(nodes_.LeadsElsewhere(kRootInode, "..v1", 7));
  nodes_.Orphan(flip.retires);
  nodes_.ShowAlias(flip.retires);
  const InodeId alias = Walk({"..v1"})->id;  // empty before it goes, as a directory on a disk is
  EXPECT_FALSE(nodes_.Lookup(alias, "a") || Entries(nodes_, alias).size() > 2);
  EXPECT_TRUE(nodes_.LeadsElsewhere(alias, "a", 6));
  ASSERT_TRUE(Make(InRoot(Kind::kRemoveDirectory, "..v1")));
  EXPECT_FALSE(nodes_.LeadsElsewhere(kRootInode, "..never", 7));
  EXPECT_FALSE(nodes_.LeadsElsewhere(9, "..v1", 7));
  EXPECT_FALSE(nodes_.LeadsElsewhere(kRootInode, "..v1", 6));
  for (const pid_t thread : {7, 8, 0}) {
    EXPECT_TRUE(nodes_.LeadsElsewhere(kRootInode, "..v1", thread));
    EXPECT_FALSE(nodes_.LeadsElsewhere(kRootInode, "..v1", thread));
  }
}

TEST_F(KubeletLayoutFlipTest, ARemovedDirectoryIsReachedByThePublisherAlone) {
  Install(nodes_, Version({File("res/cpu", "1")}, "..v1"));
  const auto held = *Walk({"..v1"});
  const auto file = *Walk({"..v1", "res", "cpu"});
  const auto flip = FlipTo(Version({File("res/cpu", "2")}, "..v2"));
  for (const auto& known : nodes_.KnownFiles(flip.retires)) ASSERT_TRUE(Make(known.removal));
  EXPECT_THAT(nodes_.KnownAliases(flip.retires), IsEmpty());
  const auto alias = *Walk({"..v1", "res", "cpu"});
  EXPECT_NE(alias.id, file.id);
  nodes_.Orphan(flip.retires);
  nodes_.ShowAlias(flip.retires);
  ASSERT_TRUE(Make(InRoot(Kind::kRemoveDirectory, "..v1")));
  EXPECT_THAT(nodes_.RemovedVersions(), ElementsAre(flip.retires));
  EXPECT_FALSE(Walk({kRemovedName}));
  nodes_.Reveal(flip.retires);
  EXPECT_EQ(Walk({kRemovedName})->id, held.id);
  EXPECT_EQ(Walk({kRemovedName})->links, 0u);
  // Or a GETATTR between its removal and its end would bring it back to life.
  EXPECT_EQ(nodes_.Attr(alias.id)->links, 0u);
  const auto aliases = nodes_.KnownAliases(flip.retires);
  ASSERT_EQ(aliases.size(), 1u);
  EXPECT_EQ(aliases[0].id, alias.id);
  EXPECT_EQ(aliases[0].path, "..removed/res/cpu");
  EXPECT_TRUE(Make(aliases[0].removal));
  nodes_.ForgetOne(alias.id, 1);
  EXPECT_THAT(nodes_.KnownAliases(flip.retires), IsEmpty());
  nodes_.Reveal(0);
  EXPECT_FALSE(Walk({kRemovedName}));
}

TEST_F(KubeletLayoutFlipTest, AnAttemptThatWasGivenUpLeavesNothing) {
  Install(nodes_, Version({File("a", "1")}, "..v1"));
  nodes_.Stage(Version({File("a", "2")}, "..v2"), "");
  const auto directory = Make(InRoot(Kind::kMakeDirectory, "..v2"));
  FlipTo(Version({File("a", "3")}, "..v3"));
  EXPECT_FALSE(Walk({"..v2"}));
  EXPECT_EQ(nodes_.GetStats().data_dir, "..v3");
  EXPECT_EQ(nodes_.GetStats().versions, 3u);  // the kernel still knows the directory
  nodes_.ForgetOne(directory->id, 1);
  EXPECT_EQ(nodes_.GetStats().versions, 2u);
}

TEST_F(KubeletLayoutFlipTest, LinksComeAndGoAfterTheRename) {
  Install(nodes_, Version({File("a", "1"), File("b", "2")}, "..v1"));
  const auto flip = FlipTo(Version({File("a", "1"), File("c", "3")}, "..v2"));
  EXPECT_THAT(flip.new_links, ElementsAre("c"));
  EXPECT_THAT(flip.gone_links, ElementsAre("b"));
  EXPECT_FALSE(Walk({"c"}));
  const auto made = Make(InRoot(Kind::kMakeLink, "c"));
  EXPECT_EQ(nodes_.ReadLink(made->id), "..data/c");
  ASSERT_TRUE(Make(InRoot(Kind::kUnlink, "b")));
  EXPECT_THAT(Names(nodes_, kRootInode), ElementsAre(".", "..", "..data", "..v2", "a", "c"));
}

TEST_F(KubeletLayoutTest, WhatIsNotThereIsNotFound) {
  EXPECT_FALSE(Walk({"..data"}));  // nothing installed yet
  EXPECT_THAT(Names(nodes_, kRootInode), ElementsAre(".", ".."));
  Install(nodes_, Version({}, "..v1"), "");
  EXPECT_THAT(Names(nodes_, Walk({"..v1"})->id), ElementsAre(".", ".."));
  EXPECT_FALSE(Walk({"labels"}));
  EXPECT_FALSE(Walk({"..data", "x"}));
  EXPECT_FALSE(nodes_.Attr(12345));
  EXPECT_FALSE(nodes_.List(12345, 0, true));
  EXPECT_FALSE(nodes_.File(kRootInode));
  nodes_.ForgetOne(12345, 1);
  nodes_.Expire(12345);
}

}  // namespace
}  // namespace downwardfs
