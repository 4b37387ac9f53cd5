// SPDX-License-Identifier: Apache-2.0
// A successor's reading of the records of a volume in the live layout.
#include <gtest/gtest.h>

#include <random>

#include "fs/fuse/request_in_work.h"
#include "fs/volume/live_layout.h"
#include "tests/volume/recorded_layout.h"

namespace downwardfs {
namespace {

class LiveRecordTest : public RecordedLayoutTest<LiveLayout> {
 protected:
  static VolumeVersionPtr Version(int number) {
    const std::string n = std::to_string(number);
    std::vector<ProjectedFile> files = {{"a", "a" + n, 0644, "s", ""},
                                        {"d/same", "same", 0400, "", ""}};
    if (number % 2 == 0) files.push_back({"d/even", n, 0644, "", ""});
    if (number % 3 == 0) files.push_back({"third/" + n, n, 0644, "", ""});
    return VolumeVersion::Make(std::move(files), "", std::chrono::system_clock::now());
  }
  // Everything that can be asked, as text.
  static std::string Describe(LiveLayout& nodes) {
    std::string all = DescribeInodes(nodes);
    for (std::uint64_t handle = 1; handle < 500; ++handle) {
      if (const auto file = nodes.Opened(handle)) {
        all += std::to_string(handle) + " opened " + file->content() + "\n";
      }
    }
    const VolumeStats stats = nodes.GetStats();
    return all + std::to_string(stats.lookups) + " " + std::to_string(stats.open_files) + " " +
           std::to_string(stats.flips) + " " + stats.resource_version;
  }
};

TEST_F(LiveRecordTest, AfterAnyRowOfRequestsASuccessorKnowsTheSame) {
  std::mt19937 random(1);
  nodes_.ShowNames(nodes_.Stage(Version(0), "0"));
  std::vector<InodeId> known = {kRootInode};
  std::vector<std::uint64_t> opened;
  for (int i = 1; i < 600; ++i) {
    const InodeId node = known[random() % known.size()];
    static constexpr const char* kNames[] = {"a", "d", "same", "even", "third", "0", "6", "nope"};
    switch (random() % 8) {
      case 0: {
        const auto difference = nodes_.Stage(Version(i), std::to_string(i));
        const bool stopped_halfway = random() % 3 == 0;
        for (const auto& step : difference.gone) Make(step.change);
        for (const auto& step : difference.added) {
          if (stopped_halfway) break;
          Make(step.change);
        }
        break;
      }
      case 1:
        nodes_.ForgetOne(node, 1);
        break;
      case 2:
        if (const auto handle = nodes_.OpenFile(node)) opened.push_back(*handle);
        break;
      case 3:
        if (!opened.empty()) nodes_.CloseFile(opened[random() % opened.size()]);
        break;
      default:
        if (const auto found = nodes_.Lookup(node, kNames[random() % 8])) {
          known.push_back(found->id);
        }
    }
    if (i % 20 == 0) {
      ASSERT_EQ(Describe(*Successor()), Describe(nodes_)) << "step " << i;
    }
  }
}

TEST_F(LiveRecordTest, AnOpenThatComesAgainKeepsItsNumberAndItsContent) {
  nodes_.ShowNames(nodes_.Stage(Version(1), ""));
  const InodeId a = nodes_.Lookup(kRootInode, "a")->id;
  request_in_work = {1, 90};
  const auto handle = nodes_.OpenFile(a);
  request_in_work = {};
  nodes_.Stage(Version(5), "");
  const auto next = Successor();
  next->TakeBack(90);
  request_in_work = {0, 90};
  EXPECT_EQ(next->OpenFile(a), handle);
  request_in_work = {};
  EXPECT_EQ(next->Opened(*handle)->content(), "a1");
  EXPECT_NE(next->OpenFile(a), handle);
  EXPECT_EQ(next->GetStats().open_files, 2u);
}

TEST_F(LiveRecordTest, WhatAReadHasPinnedAnewStaysPinned) {
  nodes_.ShowNames(nodes_.Stage(Version(1), ""));
  const InodeId a = nodes_.Lookup(kRootInode, "a")->id;
  const auto handle = *nodes_.OpenFile(a);
  nodes_.Stage(Version(5), "");
  const std::string begun = *nodes_.Content(a, handle, 0);
  EXPECT_EQ(begun, nodes_.File(a)->content());
  nodes_.Stage(Version(6), "");
  const auto next = Successor();
  EXPECT_EQ(*next->Content(a, handle, 1), begun);
  EXPECT_EQ(*next->Content(a, handle, 0), next->File(a)->content());
}

TEST_F(LiveRecordTest, WhatWasNotFinishedIsFound) {
  nodes_.ShowNames(nodes_.Stage(Version(1), ""));
  const InodeId a = nodes_.Lookup(kRootInode, "a")->id;
  nodes_.Stage(Version(6), "");  // nothing of it was told to the kernel
  const auto next = Successor();
  const auto difference = next->Unfinished();
  ASSERT_EQ(difference.added.size(), 3u);  // d/even, third, third/6
  EXPECT_TRUE(difference.gone.empty());
  ASSERT_EQ(difference.changed.size(), 1u);  // the kernel knows its old size
  EXPECT_EQ(difference.changed[0].id, a);
  EXPECT_EQ(difference.changed[0].path, "a");
}

}  // namespace
}  // namespace downwardfs
