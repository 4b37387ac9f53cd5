// SPDX-License-Identifier: Apache-2.0
// How much the volumes of a pod and of a node may show together.
#include "csi/content_budget.h"

#include <gmock/gmock.h>

#include <memory>
#include <vector>

namespace downwardfs {
namespace {

using ::testing::HasSubstr;
using Share = ContentBudget::Share;

constexpr std::size_t kKiB = 1024;

TEST(ContentBudgetTest, APodHasALimitForAllItsVolumes) {
  ContentBudget budget({.pod = 100 * kKiB, .node = 1000 * kKiB});
  Share first(budget, "uid-1");
  Share second(budget, "uid-1");
  Share other(budget, "uid-2");
  EXPECT_TRUE(first.Resize(60 * kKiB, 0));
  const auto refused = second.Resize(40 * kKiB, 1);  // the file counts too
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(refused.error().message, HasSubstr("the volumes of the pod would show more than"));
  EXPECT_TRUE(second.Resize(39 * kKiB, 1));
  EXPECT_TRUE(other.Resize(100 * kKiB, 0));
  // A refusal changes nothing, and less is always taken.
  EXPECT_FALSE(second.Resize(50 * kKiB, 1));
  EXPECT_FALSE(first.Resize(61 * kKiB, 0));
  EXPECT_TRUE(first.Resize(50 * kKiB, 0));
  EXPECT_TRUE(second.Resize(49 * kKiB, 1));
}

TEST(ContentBudgetTest, LargeVolumesDoNotKeepOutSmallOnes) {
  ContentBudget budget({.pod = 100 * kKiB, .node = 100 * kKiB});
  Share large(budget, "uid-1");
  ASSERT_TRUE(large.Resize(100 * kKiB, 0));
  EXPECT_EQ(budget.used(), 100 * kKiB - ContentBudget::kOwn);
  Share next(budget, "uid-2");
  const auto refused = next.Resize(40 * kKiB, 0);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the volumes of this node"));
  std::vector<std::unique_ptr<Share>> small;
  for (int i = 0; i < 1000; ++i) {
    small.push_back(std::make_unique<Share>(budget, "pod-" + std::to_string(i)));
    ASSERT_TRUE(small.back()->Resize(12 * kKiB, 4));
  }
  EXPECT_EQ(budget.used(), 100 * kKiB - ContentBudget::kOwn);
}

TEST(ContentBudgetTest, WhatAVolumeHadIsGivenBack) {
  ContentBudget budget({.pod = 100 * kKiB, .node = 200 * kKiB});
  for (int i = 0; i < 10; ++i) {
    Share share(budget, "uid-1");
    EXPECT_TRUE(share.Resize(99 * kKiB, 1));
  }
  EXPECT_EQ(budget.used(), 0U);
}

// Content that a daemon before us has shown stays, though it is too much by now.
TEST(ContentBudgetTest, WhatIsShownAlreadyIsCountedAndNotRefused) {
  ContentBudget budget({.pod = 10 * kKiB, .node = 10 * kKiB});
  Share resumed(budget, "uid-1");
  resumed.Set(ContentBudget::Weight(100 * kKiB, 2));
  EXPECT_FALSE(resumed.Resize(200 * kKiB, 2));
  EXPECT_TRUE(resumed.Resize(99 * kKiB, 2));
  EXPECT_TRUE(resumed.Resize(kKiB, 2));
  EXPECT_EQ(budget.used(), 0U);
}

}  // namespace
}  // namespace downwardfs
