// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/live_layout.h"

#include <gmock/gmock.h>

#include <chrono>

#include "tests/support/projected.h"

namespace downwardfs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = TreeChange::Kind;

class LiveLayoutTest : public ::testing::Test {
 protected:
  LiveLayout::Difference Stage(std::vector<ProjectedFile> files) {
    return nodes_.Stage(VolumeVersion::Make(std::move(files), "", std::chrono::system_clock::now()),
                        "");
  }
  void Show(std::vector<ProjectedFile> files) { nodes_.ShowNames(Stage(std::move(files))); }

  std::optional<Entry> Walk(std::initializer_list<const char*> path) {
    std::optional<Entry> attr = nodes_.Attr(kRootInode);
    for (const char* name : path) {
      attr = nodes_.Lookup(attr->id, name);
      if (!attr) return std::nullopt;
    }
    return attr;
  }
  std::vector<std::string> Names(InodeId id) {
    std::vector<std::string> names;
    const auto entries = nodes_.List(id, 0, true);
    for (const DirectoryEntry& entry : *entries) names.push_back(entry.name);
    return names;
  }
  std::string Content(InodeId id) { return nodes_.File(id)->content(); }
  std::optional<Entry> Make(const TreeChange& change) {
    nodes_.Arm(change);
    auto attr = nodes_.Apply(change);
    nodes_.Arm({});
    return attr;
  }
  static std::vector<std::string> Paths(const std::vector<LiveLayout::Step>& steps) {
    std::vector<std::string> paths;
    for (const auto& step : steps) paths.push_back(step.path);
    return paths;
  }

  LiveLayout nodes_{Ownership{}, std::chrono::system_clock::now()};
};

TEST_F(LiveLayoutTest, ItemsAreRegularFilesWithoutLinks) {
  Show({File("labels", "a", 0440), File("res/cpu", "1")});
  EXPECT_THAT(Names(kRootInode), ElementsAre(".", "..", "labels", "res"));
  EXPECT_EQ(nodes_.Attr(kRootInode)->mode, 0041777u);
  EXPECT_EQ(nodes_.Attr(kRootInode)->links, 3u);
  EXPECT_EQ(Walk({"labels"})->mode, 0100440u);
  EXPECT_EQ(Walk({"res"})->mode, 0040755u);
  EXPECT_EQ(Content(Walk({"res", "cpu"})->id), "1");
  EXPECT_FALSE(Walk({"..data"}));
}

TEST_F(LiveLayoutTest, AnInodeStaysWhileItsContentChanges) {
  Show({File("labels", "one"), File("res/cpu", "1"), File("same", "s")});
  const auto labels = *Walk({"labels"});
  const auto difference =
      Stage({File("labels", "longer"), File("res/cpu", "2"), File("same", "s")});
  EXPECT_THAT(Paths(difference.changed), ElementsAre("labels", "res/cpu"));
  EXPECT_THAT(difference.added, IsEmpty());
  EXPECT_THAT(difference.gone, IsEmpty());
  const auto now = *Walk({"labels"});
  EXPECT_EQ(now.id, labels.id);
  EXPECT_EQ(now.size, 6u);
  EXPECT_GT(now.time, labels.time);
}

TEST_F(LiveLayoutTest, AChangeOfTheModeAloneIsAChange) {
  Show({File("labels", "one")});
  EXPECT_THAT(Paths(Stage({File("labels", "one", 0400)}).changed), ElementsAre("labels"));
  EXPECT_EQ(Walk({"labels"})->mode, 0100400u);
}

TEST_F(LiveLayoutTest, AnOpenPinsItsContentUntilItIsClosed) {
  Show({File("labels", "one")});
  const InodeId id = Walk({"labels"})->id;
  const auto before = *nodes_.OpenFile(id);
  Show({File("labels", "two")});
  const auto after = *nodes_.OpenFile(id);
  EXPECT_EQ(nodes_.Opened(before)->content(), "one");
  EXPECT_EQ(nodes_.Opened(after)->content(), "two");
  EXPECT_EQ(nodes_.GetStats().open_files, 2u);
  nodes_.CloseFile(before);
  nodes_.CloseFile(after);
  EXPECT_FALSE(nodes_.Opened(before));
  EXPECT_EQ(nodes_.GetStats().open_files, 0u);
  EXPECT_FALSE(nodes_.OpenFile(kRootInode));
}

TEST_F(LiveLayoutTest, AReadFromTheStartPinsAnewAndOneThatGoesOnGetsTheRest) {
  Show({File("labels", "one")});
  const InodeId id = Walk({"labels"})->id;
  const auto open = *nodes_.OpenFile(id);
  EXPECT_EQ(*nodes_.Content(id, open, 0), "one");
  Show({File("labels", "second")});
  EXPECT_EQ(*nodes_.Content(id, open, 2), "one");
  EXPECT_EQ(*nodes_.Content(id, open, 3), "one") << "at its end, to see that it is the end";
  EXPECT_EQ(*nodes_.Content(id, open, 3), "one") << "and once more";
  EXPECT_EQ(*nodes_.Content(id, open, 0), "second");
  EXPECT_EQ(*nodes_.Content(id, open, 3), "second");
  EXPECT_EQ(nodes_.GetStats().open_files, 1u);
  EXPECT_EQ(nodes_.Content(id, open + 1, 0), nullptr);
}

// As tail(1) does: it has read up to the end, and asks there again when it hears of a change.
TEST_F(LiveLayoutTest, WhoWaitsAtTheEndGetsWhatIsThereNow) {
  Show({File("log", "one")});
  const InodeId id = Walk({"log"})->id;
  const auto open = *nodes_.OpenFile(id);
  EXPECT_EQ(*nodes_.Content(id, open, 3), "one");
  std::uint64_t end = 3;
  for (const std::string longer : {"one two", "one two three"}) {
    Show({File("log", longer)});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::string seen;
    while (seen != longer && std::chrono::steady_clock::now() < deadline) {
      seen = *nodes_.Content(id, open, end);
    }
    EXPECT_EQ(seen, longer);
    end = seen.size();
    EXPECT_EQ(*nodes_.Content(id, open, end), longer);
  }
}

TEST_F(LiveLayoutTest, NewNamesShowAsTheyAreMadeAndGoneOnesUntilTheyAreRemoved) {
  Show({File("a", "1"), File("old/x", "2")});
  const InodeId held = Walk({"old", "x"})->id;
  const auto difference = Stage({File("a", "1"), File("new/deep/y", "3")});
  EXPECT_THAT(Paths(difference.gone), ElementsAre("old/x", "old"));
  EXPECT_THAT(Paths(difference.added), ElementsAre("new", "new/deep", "new/deep/y"));
  EXPECT_FALSE(Walk({"new"}));
  EXPECT_TRUE(Walk({"old", "x"}));
  for (const auto& step : difference.gone) EXPECT_TRUE(Make(step.change)) << step.path;
  for (const auto& step : difference.added) {
    const auto made = Make(step.change);
    ASSERT_TRUE(made) << step.path;
    EXPECT_EQ(made->id, step.id);
  }
  EXPECT_THAT(Names(kRootInode), ElementsAre(".", "..", "a", "new"));
  EXPECT_EQ(Content(Walk({"new", "deep", "y"})->id), "3");
  // A reader that holds the file goes on reading it.
  EXPECT_EQ(Content(held), "2");
  EXPECT_EQ(nodes_.Attr(held)->links, 0u);
  nodes_.ForgetOne(held, 2);
  EXPECT_FALSE(nodes_.Attr(held));
}

TEST_F(LiveLayoutTest, AFileMayBecomeADirectory) {
  Show({File("x", "1")});
  Show({File("x/y", "2")});
  EXPECT_EQ(Content(Walk({"x", "y"})->id), "2");
  Show({File("x", "3")});
  EXPECT_EQ(Content(Walk({"x"})->id), "3");
}

TEST_F(LiveLayoutTest, WhatAnAttemptLeftUndoneIsFoundAgain) {
  Show({File("a", "1"), File("b", "1")});
  Stage({File("a", "1"), File("c", "2")});  // nothing of it was made
  const auto again = Stage({File("a", "1"), File("c", "3")});
  EXPECT_THAT(Paths(again.gone), ElementsAre("b"));
  EXPECT_THAT(Paths(again.added), ElementsAre("c"));
  nodes_.ShowNames(again);
  EXPECT_THAT(Names(kRootInode), ElementsAre(".", "..", "a", "c"));
  EXPECT_EQ(Content(Walk({"c"})->id), "3");
}

TEST_F(LiveLayoutTest, NothingIsTakenFromAnybodyElse) {
  Show({File("a", "1")});
  const InodeId a = Walk({"a"})->id;
  const auto difference = Stage({File("a", "2"), File("b", "2")});
  EXPECT_FALSE(nodes_.Apply(difference.added[0].change));
  EXPECT_FALSE(nodes_.Apply({Kind::kUnlink, kRootInode, "a", ""}));
  EXPECT_FALSE(nodes_.Apply({Kind::kSetAttributes, a, "", ""}));
  EXPECT_FALSE(nodes_.Apply({}));
  EXPECT_FALSE(Make({Kind::kMakeFile, kRootInode, "other", ""}));  // armed, but planned by nobody
  EXPECT_THAT(Names(kRootInode), ElementsAre(".", "..", "a"));
}

TEST_F(LiveLayoutTest, ADirectorysTimeGrowsWithItsNames) {
  Show({File("d/a", "1")});
  const auto before = Walk({"d"})->time;
  Show({File("d/a", "2")});
  EXPECT_EQ(Walk({"d"})->time, before);
  Show({File("d/a", "2"), File("d/b", "3")});
  EXPECT_GT(Walk({"d"})->time, before);
}

}  // namespace
}  // namespace downwardfs
