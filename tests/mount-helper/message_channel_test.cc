// SPDX-License-Identifier: Apache-2.0
// Messages over a socket: what arrives, and what is refused before anybody looks at it.
#include "mount-helper/message_channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <tuple>

#include "mount-helper/fd_packet.h"
#include "mount-helper/handover_memory.h"
#include "mount-helper/received_fd.h"
#include "tests/support/socket_pair.h"

namespace downwardfs {
namespace {

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() { std::tie(here_, there_) = testing::SocketPair(); }
  ErrorCode ReceiveRaw(const std::string& packet) {
    EXPECT_EQ(send(here_.get(), packet.data(), packet.size(), 0),
              static_cast<ssize_t>(packet.size()));
    auto message = ReceiveMessage(there_.get());
    return message ? ErrorCode::kInternal : message.error().code;
  }

  OwnedFd here_;
  OwnedFd there_;
};

message::Attach FullAttach() {
  message::Attach attach;
  attach.figures = {1, 0, ~std::uint64_t{0}, 7};
  attach.mount.path = "/mnt/with space";
  attach.mount.memory = *HandoverMemory::Create();
  attach.mount.device.Reset(open("/dev/fuse", O_RDWR));
  return attach;
}

TEST_F(ChannelTest, AMessageArrivesAsItWasSentWithItsDescriptors) {
  ASSERT_TRUE(SendMessage(here_.get(), FullAttach()));
  const auto message = ReceiveMessage(there_.get());
  ASSERT_TRUE(message);
  const auto* const attach = std::get_if<message::Attach>(&*message);
  ASSERT_NE(attach, nullptr);
  EXPECT_EQ(attach->figures.last_handover_us, ~std::uint64_t{0});
  EXPECT_EQ(attach->mount.path, "/mnt/with space");
  EXPECT_TRUE(HandoverMemory::Map(attach->mount.memory.get()));
  EXPECT_EQ(KindOf(attach->mount.device.get()), FdKind::kFuseDevice);
  EXPECT_TRUE(fcntl(attach->mount.device.get(), F_GETFD) & FD_CLOEXEC);
}

TEST_F(ChannelTest, ASilentAndAClosedChannelAreToldApart) {
  EXPECT_EQ(ReceiveMessage(there_.get()).error().code, ErrorCode::kUnavailable);
  here_.Reset();
  EXPECT_EQ(ReceiveMessage(there_.get()).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(SendMessage(there_.get(), FullAttach()).error().code, ErrorCode::kUnavailable);
}

TEST_F(ChannelTest, WhatIsNoMessageIsRefused) {
  const std::string good = FrameBytes(*Encode(message::MountNow{"downwardfs:default/web"}));
  for (std::size_t size = 1; size < good.size(); ++size) {
    EXPECT_EQ(ReceiveRaw(good.substr(0, size)), ErrorCode::kInvalidArgument) << size;
  }
  EXPECT_EQ(ReceiveRaw(good + "x"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReceiveRaw(std::string(20000, 'x')), ErrorCode::kInvalidArgument);
  std::string foreign = good;
  foreign[0] = 99;
  EXPECT_EQ(ReceiveRaw(foreign), ErrorCode::kInvalidArgument);
  std::string many = good;
  many[4] = 127;  // numbers
  EXPECT_EQ(ReceiveRaw(many), ErrorCode::kInvalidArgument);
  // A message whose descriptors have not come along.
  EXPECT_EQ(ReceiveRaw(FrameBytes(*Encode(FullAttach()))), ErrorCode::kInvalidArgument);
}

// They stay open, since nobody knows what they are; the connection is over.
TEST_F(ChannelTest, MoreDescriptorsThanAMessageHasAreRefused) {
  const auto open_fds = [] {
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return count;
  };
  const std::string bytes = FrameBytes(*Encode(message::MountNow{"x"}));
  iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 20)] = {};
  msghdr packet = {};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = control;
  packet.msg_controllen = sizeof control;
  cmsghdr* const fds = CMSG_FIRSTHDR(&packet);
  fds->cmsg_level = SOL_SOCKET;
  fds->cmsg_type = SCM_RIGHTS;
  fds->cmsg_len = CMSG_LEN(sizeof(int) * 20);
  for (int i = 0; i < 20; ++i) reinterpret_cast<int*>(CMSG_DATA(fds))[i] = 0;
  const int before = open_fds();
  ASSERT_GT(sendmsg(here_.get(), &packet, 0), 0);
  EXPECT_EQ(ReceiveMessage(there_.get()).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(open_fds(), before + 20);
}

}  // namespace
}  // namespace downwardfs
