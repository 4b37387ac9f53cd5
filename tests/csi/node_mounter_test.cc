// SPDX-License-Identifier: Apache-2.0
// The mounter by itself: what its clients, real and false, may do to each other.
#include <sys/mount.h>

#include "tests/csi/mounter_client.h"

namespace downwardfs::testing {
namespace {

TEST_F(NodeMounterTest, AProbeLeavesTheSupervisorAlone) {
  Client client(holder_socket_);
  ASSERT_TRUE(client.Synchronize());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(RunProgram({HOLDER_BINARY, "--probe", holder_socket_}).exit_code, 0);
  }
  // One that connects and says nothing.
  const Client silent(holder_socket_);
  EXPECT_TRUE(client.IsServed());
}

TEST_F(NodeMounterTest, ASecondSupervisorIsRefusedAsLongAsTheFirstLives) {
  Client first(holder_socket_);
  ASSERT_TRUE(first.Synchronize());
  for (int i = 0; i < 3; ++i) {
    Client second(holder_socket_);
    EXPECT_FALSE(second.Synchronize());
    EXPECT_EQ(second.refused_, "another supervisor is served");
  }
  EXPECT_TRUE(first.IsServed());
  first.channel_.Reset();
  Client next(holder_socket_);
  EXPECT_TRUE(next.Synchronize());
  EXPECT_TRUE(next.IsServed());
}

TEST_F(NodeMounterTest, WhatGoesWhileNobodyListensIsTold) {
  Client first(holder_socket_);
  ASSERT_TRUE(first.Synchronize());
  const std::string target = Target();
  ASSERT_TRUE(first.Mount("csi-1", target));
  first.channel_.Reset();
  ASSERT_EQ(umount2(target.c_str(), MNT_DETACH), 0);
  EXPECT_TRUE(Eventually([&] {
    Client looking(holder_socket_);
    return looking.Synchronize() && !looking.told_.empty() && !looking.told_["csi-1"].mounted;
  }));
  Client next(holder_socket_);
  EXPECT_TRUE(next.Synchronize(first.held_));
  EXPECT_EQ(next.detached_, "csi-1");
}

TEST_F(NodeMounterTest, AMountThatIsAskedForAgainTakesThePlaceOfTheOneBefore) {
  Client client(holder_socket_);
  ASSERT_TRUE(client.Synchronize());
  const std::string target = Target();
  ASSERT_TRUE(client.Mount("csi-1", target));
  const std::string before = client.held_["csi-1"].file_system;
  EXPECT_TRUE(client.Mount("csi-1", target));
  EXPECT_EQ(MountsAt(target), 1);
  EXPECT_FALSE(client.Mount("csi-1", Target("web", "second")));
  EXPECT_EQ(MountsAt(target), 1);
  // Of a mounter that has died before it could answer, nobody knows.
  client.channel_.Reset();
  client.held_.clear();
  holder_->Wait(SIGKILL);
  holder_.reset();
  StartHolder();
  ASSERT_TRUE(IsUp());
  Client next(holder_socket_);
  ASSERT_TRUE(next.Synchronize());
  EXPECT_FALSE(next.Mount("csi-1", target));
  EXPECT_TRUE(next.Mount("csi-1", target, /*replace=*/true));
  EXPECT_EQ(MountsAt(target), 1);
}

// As the mounter before it may not have been able to make one (Linux before 5.12, a filter).
TEST_F(NodeMounterTest, AVolumeWithoutAWritableViewIsAdoptedToo) {
  Client first(holder_socket_);
  ASSERT_TRUE(first.Synchronize());
  const std::string target = Target();
  ASSERT_TRUE(first.Mount("csi-1", target));
  Volumes held = std::move(first.held_);
  held["csi-1"].view.Reset();
  first.channel_.Reset();
  holder_->Wait(SIGKILL);
  holder_.reset();
  StartHolder();
  ASSERT_TRUE(IsUp());
  Client next(holder_socket_);
  ASSERT_TRUE(next.Synchronize(held));
  EXPECT_EQ(next.detached_, "");
  next.channel_.Reset();
  // The mounter has it from now on.
  EXPECT_TRUE(Eventually([&] {
    Client looking(holder_socket_);
    return looking.Synchronize() && looking.told_.count("csi-1") == 1;
  }));
  EXPECT_EQ(MountsAt(target), 1);
}

TEST_F(NodeMounterTest, TwoHoldersDoNotShareASocket) {
  const Outcome second = RunProgram({HOLDER_BINARY, "--serve", holder_socket_, "--kubelet-dir",
                                     kubelet_, "--driver-name", kDriver});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, ::testing::HasSubstr("holder.sock: another process serves it"));
  Client client(holder_socket_);
  EXPECT_TRUE(client.Synchronize());
}

}  // namespace
}  // namespace downwardfs::testing
