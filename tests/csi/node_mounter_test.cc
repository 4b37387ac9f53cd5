// SPDX-License-Identifier: Apache-2.0
// The mounter by itself: what its clients, real and false, may do to each other.
#include <poll.h>
#include <sys/mount.h>

#include <map>

#include "mount-helper/handover_memory.h"
#include "mount-helper/held_volumes.h"
#include "mount-helper/unix_socket.h"
#include "tests/csi/csi_fixture.h"

namespace downwardfs::testing {
namespace {

using Kind = Message::Kind;

// A supervisor that does what the test says.
class Client {
 public:
  explicit Client(const std::string& socket) {
    if (auto connection = ConnectTo(socket, SocketKind::kPackets))
      channel_ = std::move(*connection);
  }

  bool Send(Kind kind, std::vector<std::uint64_t> numbers = {}, std::string text = "") const {
    Message message;
    message.kind = kind;
    message.numbers = std::move(numbers);
    message.text = std::move(text);
    return static_cast<bool>(SendMessage(channel_.get(), message));
  }

  // The next message; none (kStop) where the connection is over.
  Message Next() const {
    pollfd fd = {channel_.get(), POLLIN, 0};
    Message none;
    none.kind = Kind::kStop;
    if (poll(&fd, 1, 60000) != 1) return none;
    auto message = ReceiveMessage(channel_.get());
    return message ? std::move(*message) : std::move(none);
  }

  // Says hello and what it has; true once the mounter has answered, false where it refuses.
  bool Synchronize(const HeldVolumes& offered = {}) {
    if (!Send(Kind::kHello, {kHolderProtocol})) return false;
    for (const auto& [id, volume] : offered) {
      auto message = VolumeMessage(id, volume);
      if (!message || !SendMessage(channel_.get(), *message)) return false;
    }
    if (!Send(Kind::kSynced)) return false;
    for (;;) {
      Message message = Next();
      if (message.kind == Kind::kSynced) return true;
      if (message.kind == Kind::kRefused) refused_ = message.text;
      if (message.kind == Kind::kDetached) detached_ = message.text;
      if (message.kind == Kind::kRefused || message.kind == Kind::kStop) return false;
      if (message.kind != Kind::kVolume) continue;
      if (auto taken = TakeVolume(std::move(message))) told_.insert(std::move(*taken));
    }
  }

  // Asks for a mount; the ErrorCode's number and one, 0: done.
  std::uint64_t Mount(const std::string& id, const std::string& path, bool replace = false) {
    auto memory = HandoverMemory::Create();
    Message request;
    request.kind = Kind::kMountVolume;
    request.numbers = {7, replace ? 1u : 0u};
    request.text = JoinFields({id, path, "downwardfs:test"});
    request.fds.push_back(Duplicate(*memory));
    SendMessage(channel_.get(), request);
    Message done = Next();
    while (done.kind == Kind::kDetached) done = Next();
    if (done.number(1) != 0 || done.fds.empty()) return done.number(1);
    HeldVolume& volume = held_[id];
    volume.path = path;
    volume.file_system = done.text;
    volume.memory = std::move(*memory);
    volume.device = std::move(done.fds[0]);
    if (done.fds.size() > 1) volume.view = std::move(done.fds[1]);
    return 0;
  }

  // Any question that the mounter answers.
  bool IsServed() const { return Send(Kind::kLook, {1}, "/x") && Next().kind == Kind::kDone; }

  OwnedFd channel_;
  HeldVolumes held_;  // what it has mounted
  HeldVolumes told_;  // what the mounter has told of
  std::string refused_;
  std::string detached_;
};

class NodeMounterTest : public CsiTest {
 protected:
  NodeMounterTest() {
    StartHolder();
    EXPECT_TRUE(IsUp());
  }
  const std::string holder_socket_ = plugin_dir_ + "/holder.sock";
};

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
  ASSERT_EQ(first.Mount("csi-1", target), 0u);
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
  ASSERT_EQ(client.Mount("csi-1", target), 0u);
  const std::string before = client.held_["csi-1"].file_system;
  EXPECT_EQ(client.Mount("csi-1", target), 0u);
  EXPECT_EQ(MountsAt(target), 1);
  EXPECT_NE(client.Mount("csi-1", Target("web", "second")), 0u);
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
  EXPECT_NE(next.Mount("csi-1", target), 0u);
  EXPECT_EQ(next.Mount("csi-1", target, /*replace=*/true), 0u);
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
