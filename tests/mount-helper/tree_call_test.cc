// SPDX-License-Identifier: Apache-2.0
// The calls to the publisher's process, as bytes that a daemon sends.
#include "mount-helper/tree_call.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace downwardfs {
namespace {

TEST(TreeCallTest, ACallArrivesAsItWasSent) {
  const TreeCall call = {TreeCall::Kind::kMakeLink, 0755, 42, "..data_tmp", "..2026_11_22"};
  const auto read = DecodeTreeCall(EncodeTreeCall(call));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, call.kind);
  EXPECT_EQ(read->mode, call.mode);
  EXPECT_EQ(read->node, call.node);
  EXPECT_EQ(read->path, call.path);
  EXPECT_EQ(read->other, call.other);
}

TEST(TreeCallTest, NoPathLeadsOutOfTheVolume) {
  const std::vector<std::string> outside = {"",     "/etc", "..",      "a/../b",
                                            "../x", "a/..", "a/../..", std::string("a\0b", 3)};
  for (const std::string& path : outside) {
    EXPECT_FALSE(DecodeTreeCall(EncodeTreeCall({TreeCall::Kind::kUnlink, 0, 0, path, ""}))) << path;
    EXPECT_FALSE(DecodeTreeCall(EncodeTreeCall({TreeCall::Kind::kRename, 0, 0, "a", path})))
        << path;
  }
  EXPECT_TRUE(DecodeTreeCall(EncodeTreeCall({TreeCall::Kind::kUnlink, 0, 0, "..2026/a..b", ""})));
}

TEST(TreeCallTest, WhatIsNoCallIsRefused) {
  const std::string good = EncodeTreeCall({TreeCall::Kind::kRename, 0, 0, "a", "b"});
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeTreeCall(good.substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeTreeCall(good + "c"));
  EXPECT_FALSE(DecodeTreeCall(std::string(kMaxTreeCall + 1, 'x')));
  std::string foreign = good;
  foreign[0] = 99;
  EXPECT_FALSE(DecodeTreeCall(foreign));
}

}  // namespace
}  // namespace downwardfs
