// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace downwardfs {
namespace {

long ResidentKb() {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    long kb = 0;
    if (word == "RssAnon:" && file >> kb) return kb;
  }
  return 0;
}

TEST(MemoryTest, WhatIsFreedBetweenBlocksInUseGoesBack) {
  if (!WITHOUT_SANITIZER) GTEST_SKIP() << "the sanitizer has an allocator of its own";
  std::vector<std::unique_ptr<char[]>> large;
  std::vector<std::unique_ptr<char[]>> kept;
  for (int i = 0; i < 1000; ++i) {
    large.push_back(std::make_unique<char[]>(65536));
    kept.push_back(std::make_unique<char[]>(64));
  }
  large.clear();
  const long before = ResidentKb();
  ReturnFreedMemory();
  EXPECT_LT(ResidentKb(), before - 32768);
}

}  // namespace
}  // namespace downwardfs
