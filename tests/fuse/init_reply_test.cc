// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/init_reply.h"

#include <gtest/gtest.h>
#include <linux/fuse.h>

#include <chrono>

namespace downwardfs {
namespace {

constexpr std::uint32_t kAllowIdmapHigh = 1u << 8;
constexpr std::uint32_t kDirectIoAllowMmapHigh = 1u << 4;

struct Request {
  fuse_in_header header = {};
  fuse_init_in init = {};
};

class InitReplyTest : public ::testing::Test {
 protected:
  InitReplyTest() {
    request_.header.opcode = FUSE_INIT;
    request_.header.unique = 7;
    request_.init.flags = FUSE_INIT_EXT;
    request_.init.flags2 = kAllowIdmapHigh;
    header_.unique = 7;
  }
  void Answer() {
    reply_.SawRequest(&request_, sizeof request_);
    const iovec parts[2] = {{&header_, sizeof header_}, {&out_, sizeof out_}};
    reply_.Complete(parts, 2);
  }

  Request request_;
  fuse_out_header header_ = {};
  fuse_init_out out_ = {};
  InitReply reply_;
};

TEST_F(InitReplyTest, IdMappedMountsAreTakenWhereTheyAreOffered) {
  Answer();
  EXPECT_TRUE(reply_.allows_idmap());
  EXPECT_EQ(out_.flags2, kAllowIdmapHigh);
  EXPECT_TRUE(out_.flags & FUSE_INIT_EXT);
}

TEST_F(InitReplyTest, SharedMappingsOfUncachedFilesAreTakenWhereTheyAreOffered) {
  request_.init.flags2 = kDirectIoAllowMmapHigh | 1u;
  Answer();
  EXPECT_FALSE(reply_.allows_idmap());
  EXPECT_EQ(out_.flags2, kDirectIoAllowMmapHigh) << "nothing else";
}

TEST_F(InitReplyTest, WhatWasNotOfferedIsNotTaken) {
  request_.init.flags2 = 0;
  Answer();
  EXPECT_FALSE(reply_.allows_idmap());
  EXPECT_EQ(out_.flags2, 0u);
}

TEST_F(InitReplyTest, FlagsOfAKernelWithoutTheExtensionMeanNothing) {
  request_.init.flags = 0;
  Answer();
  EXPECT_EQ(out_.flags2, 0u);
}

TEST_F(InitReplyTest, WhoWaitsLearnsWhatTheKernelOffers) {
  const auto now = std::chrono::steady_clock::now();
  EXPECT_FALSE(reply_.AwaitOffered(now));
  request_.init.flags |= FUSE_POSIX_LOCKS;
  Answer();
  EXPECT_EQ(reply_.AwaitOffered(now),
            FUSE_INIT_EXT | FUSE_POSIX_LOCKS | std::uint64_t{kAllowIdmapHigh} << 32);
}

// Before Linux 5.17 INIT has two numbers and the flags' low half.
TEST_F(InitReplyTest, AnOldKernelsShortInitOffersItsLowFlags) {
  request_.init.flags = FUSE_POSIX_LOCKS;
  reply_.SawRequest(&request_, sizeof request_.header + 16);
  EXPECT_EQ(reply_.AwaitOffered(std::chrono::steady_clock::now()), FUSE_POSIX_LOCKS);
}

TEST_F(InitReplyTest, OtherRepliesAndRefusalsAreLeftAlone) {
  header_.unique = 8;
  Answer();
  EXPECT_EQ(out_.flags2, 0u);
  header_.unique = 7;
  header_.error = -71;
  Answer();
  EXPECT_EQ(out_.flags2, 0u);
}

TEST_F(InitReplyTest, AShortRequestIsNoInit) {
  reply_.SawRequest(&request_, sizeof request_.header - 1);
  reply_.SawRequest(&request_, sizeof request_.header + 8);
  const iovec parts[2] = {{&header_, sizeof header_}, {&out_, sizeof out_}};
  reply_.Complete(parts, 2);
  EXPECT_EQ(out_.flags2, 0u);
}

}  // namespace
}  // namespace downwardfs
