// SPDX-License-Identifier: Apache-2.0
// The line that says what a mount loses on an older kernel.
#include "fs/fuse/kernel_features.h"

#include <gmock/gmock.h>

namespace downwardfs {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(KernelFeaturesTest, ANewKernelFallsShortOfNothing) {
  EXPECT_EQ(DescribeShortfall(kAllowIdmap | kDirectIoAllowMmap, "6.12.1", true), "");
  EXPECT_EQ(DescribeShortfall(kAllowIdmap | kDirectIoAllowMmap, "6.12.1", false), "");
}

TEST(KernelFeaturesTest, OneLineSaysWhatIsLostAndWhichKernelHasIt) {
  const std::string both = DescribeShortfall(0, "5.10.0-46-amd64", true);
  EXPECT_THAT(both, AllOf(HasSubstr("5.10.0-46-amd64"), HasSubstr("hostUsers: false"),
                          HasSubstr("Linux 6.12"), HasSubstr("MAP_SHARED"), HasSubstr("Linux 6.6"),
                          Not(HasSubstr("\n"))));
  EXPECT_THAT(DescribeShortfall(kDirectIoAllowMmap, "6.8.0", true),
              AllOf(HasSubstr("Linux 6.12"), Not(HasSubstr("MAP_SHARED"))));
}

// A kernel of a distribution may have the later feature and not the earlier one.
TEST(KernelFeaturesTest, TheOfferCountsAndNotTheVersion) {
  EXPECT_EQ(DescribeShortfall(kAllowIdmap | kDirectIoAllowMmap, "5.14.0-503.el9", true), "");
  EXPECT_THAT(DescribeShortfall(kAllowIdmap, "6.12.1", true),
              AllOf(HasSubstr("MAP_SHARED"), Not(HasSubstr("hostUsers"))));
}

TEST(KernelFeaturesTest, OnlyTheLiveLayoutLosesSharedMappings) {
  EXPECT_EQ(DescribeShortfall(kAllowIdmap, "6.12.1", false), "");
}

}  // namespace
}  // namespace downwardfs
