// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/holder_protocol.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "mount-helper/tree_call.h"

namespace downwardfs {
namespace {

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    here_.Reset(ends[0]);
    there_.Reset(ends[1]);
  }
  ErrorCode ReceiveRaw(const std::string& packet) {
    EXPECT_EQ(send(here_.get(), packet.data(), packet.size(), 0),
              static_cast<ssize_t>(packet.size()));
    auto message = ReceiveMessage(there_.get());
    return message ? ErrorCode::kInternal : message.error().code;
  }

  OwnedFd here_;
  OwnedFd there_;
};

Message Full() {
  Message message;
  message.kind = Message::Kind::kAttach;
  message.numbers = {1, 0, ~std::uint64_t{0}};
  message.text = "/mnt/with space";
  return message;
}

TEST_F(ChannelTest, AMessageArrivesAsItWasSentWithItsDescriptors) {
  Message sent = Full();
  sent.fds.emplace_back(open("/dev/null", O_RDONLY));
  sent.fds.emplace_back(open("/dev/zero", O_RDONLY));
  ASSERT_TRUE(SendMessage(here_.get(), sent));
  auto message = ReceiveMessage(there_.get());
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, sent.kind);
  EXPECT_EQ(message->numbers, sent.numbers);
  EXPECT_EQ(message->text, sent.text);
  ASSERT_EQ(message->fds.size(), 2u);
  char byte = 1;
  EXPECT_EQ(read(message->fds[0].get(), &byte, 1), 0);
  EXPECT_EQ(read(message->fds[1].get(), &byte, 1), 1);
  EXPECT_TRUE(fcntl(message->fds[0].get(), F_GETFD) & FD_CLOEXEC);
}

TEST_F(ChannelTest, ASilentAndAClosedChannelAreToldApart) {
  EXPECT_EQ(ReceiveMessage(there_.get()).error().code, ErrorCode::kUnavailable);
  here_.Reset();
  EXPECT_EQ(ReceiveMessage(there_.get()).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(SendMessage(there_.get(), Full()).error().code, ErrorCode::kUnavailable);
}

TEST_F(ChannelTest, WhatIsNoMessageIsRefused) {
  const std::string good = EncodeMessage(Full());
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
}

TEST_F(ChannelTest, MoreDescriptorsThanAMessageHasAreRefusedAndClosed) {
  const auto open_fds = [] {
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return count;
  };
  const std::string bytes = EncodeMessage(Full());
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
  EXPECT_EQ(open_fds(), before);
}

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
