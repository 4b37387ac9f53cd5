// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/data_dir_name.h"

#include <gtest/gtest.h>

#include <set>

namespace downwardfs {
namespace {

class FixedClock final : public Clock {
 public:
  SteadyTime Steady() const override { return {}; }
  WallTime Wall() const override { return std::chrono::system_clock::from_time_t(1795355612); }
};

const FixedClock kClock;

TEST(DataDirNamerTest, NamesAreTheUtcTimeAndRandomDigits) {
  DataDirNamer namer(kClock, [] { return 213006449U; });
  EXPECT_EQ(namer.Next(), "..2026_11_22_13_53_32.213006449");
}

TEST(DataDirNamerTest, DigitsAreNineOrTen) {
  EXPECT_EQ(DataDirNamer(kClock, [] { return 0U; }).Next(), "..2026_11_22_13_53_32.100000000");
  EXPECT_EQ(DataDirNamer(kClock, [] { return UINT32_MAX; }).Next(),
            "..2026_11_22_13_53_32.4294967295");
}

TEST(DataDirNamerTest, ANameNeverEqualsThePreviousOne) {
  DataDirNamer constant(kClock, [] { return UINT32_MAX; });
  const std::string first = constant.Next();
  const std::string second = constant.Next();
  EXPECT_NE(first, second);
  EXPECT_NE(second, constant.Next());
}

TEST(DataDirNamerTest, TheKernelsNumbersDiffer) {
  DataDirNamer namer(Clock::Real());
  std::set<std::string> names;
  for (int i = 0; i < 50; ++i) {
    names.insert(namer.Next());
    EXPECT_TRUE(IsDataDirName(*names.rbegin())) << *names.rbegin();
  }
  EXPECT_GE(names.size(), 49U);
}

TEST(IsDataDirNameTest, TellsDataDirectoriesFromOtherNames) {
  EXPECT_TRUE(IsDataDirName("..2026_11_22_13_53_32.7"));
  EXPECT_TRUE(IsDataDirName("..2026_11_22_13_53_32.4294967295"));
  for (const char* name : {"..data", "..data_tmp", "..", "..2026_11_22_13_53_32.",
                           "..2026_11_22_13_53_32.12345678901", "..2026_11_22_13_53_32.1x",
                           "2026_11_22_13_53_32.123456789", "..2026-11-22_13_53_32.123456789"}) {
    EXPECT_FALSE(IsDataDirName(name)) << name;
  }
}

}  // namespace
}  // namespace downwardfs
