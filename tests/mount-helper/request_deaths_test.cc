// SPDX-License-Identifier: Apache-2.0
// A holder's judgement of the requests that a dead daemon has left in the handover memory.
#include "mount-helper/request_deaths.h"

#include <gmock/gmock.h>
#include <linux/fuse.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "mount-helper/end_requests.h"
#include "mount-helper/handover_memory.h"
#include "mount-helper/holder_codec.h"

namespace downwardfs {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class LeftRequestsTest : public ::testing::Test {
 protected:
  // A request in a slot that a daemon was working on when it died.
  void Leave(std::uint32_t slot, std::uint64_t unique) const {
    fuse_in_header header = {};
    header.len = sizeof header;
    header.opcode = FUSE_GETATTR;
    header.unique = unique;
    std::memcpy(memory_.slot(slot), &header, sizeof header);
    memory_.header().slot[slot].working = unique & ~kResentBit;
  }
  void Answered(std::uint32_t slot, std::uint64_t unique) const {
    memory_.header().slot[slot].done = unique;
  }

  const OwnedFd fd_ = *HandoverMemory::Create();
  const HandoverMemory memory_ = *HandoverMemory::Map(fd_.get());
  RequestDeaths deaths_;
};

TEST_F(LeftRequestsTest, ThreeDeathsAreEnough) {
  for (int death = 1; death <= 3; ++death) {
    Leave(0, 40);
    Leave(1, 42);
    memory_.header().slot[1].working = 0;  // it waited for its turn
    EXPECT_THAT(deaths_.Poison(), IsEmpty());
    deaths_.Count(fd_.get());
  }
  EXPECT_THAT(deaths_.Poison(), ElementsAre(40));
}

// The message that names them has room for so many, and a longer one would be refused.
TEST_F(LeftRequestsTest, HoweverManyThereWereTheMessageIsAccepted) {
  message::Volume volume;
  volume.mount.id = "id";
  volume.mount.device = Duplicate(fd_);
  volume.mount.memory = Duplicate(fd_);
  for (std::uint64_t unique = 2; unique <= 120; unique += 2) {
    for (int death = 0; death < 3; ++death) {
      Leave(0, unique);
      deaths_.Count(fd_.get());
    }
    EXPECT_THAT(deaths_.Poison(), Contains(unique));  // never the newest of all is left out
    volume.mount.poison = deaths_.Poison();
    const auto frame = Encode(volume);
    ASSERT_TRUE(frame);
    ASSERT_TRUE(ParseFrame(FrameBytes(*frame))) << unique;
    Answered(0, unique);
  }
}

TEST_F(LeftRequestsTest, WhatIsInNoSlotAnyMoreIsForgotten) {
  for (int death = 0; death < 3; ++death) {
    Leave(0, 40);
    deaths_.Count(fd_.get());
  }
  Answered(0, 40);
  deaths_.Count(fd_.get());
  EXPECT_THAT(deaths_.Poison(), Contains(40));  // the kernel may be about to send it again
  for (int death = 0; death < 8; ++death) deaths_.Count(fd_.get());
  EXPECT_THAT(deaths_.Poison(), Not(Contains(40)));
}

// The device is a socket here: each write is a packet.
TEST_F(LeftRequestsTest, AtTheEndEachIsAnsweredEio) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  const OwnedFd kernel(ends[0]);
  const OwnedFd device(ends[1]);
  Leave(0, 40);
  Leave(1, 42);
  Answered(1, 42);
  Leave(2, 44 | kResentBit);
  EndRequests(fd_.get(), device.get());
  std::vector<std::uint64_t> answered;
  fuse_out_header answer = {};
  while (recv(kernel.get(), &answer, sizeof answer, 0) == sizeof answer) {
    EXPECT_EQ(answer.error, -EIO);
    answered.push_back(answer.unique);
  }
  EXPECT_THAT(answered, ElementsAre(40, 44 | kResentBit));
}

}  // namespace
}  // namespace downwardfs
