// SPDX-License-Identifier: Apache-2.0
// The mounter by itself: what its clients, real and false, may do to each other.
#include <poll.h>
#include <sys/mount.h>

#include <map>

#include "mount-helper/handover_memory.h"
#include "mount-helper/holder_answers.h"
#include "mount-helper/message_channel.h"
#include "mount-helper/unix_socket.h"
#include "tests/csi/csi_fixture.h"

namespace downwardfs::testing {
namespace {

using Volumes = std::map<std::string, FuseMount>;

// A supervisor that does what the test says.
class Client {
 public:
  explicit Client(const std::string& socket) {
    if (auto connection = ConnectTo(socket, SocketKind::kPackets))
      channel_ = std::move(*connection);
  }

  template <class Message>
  bool Send(const Message& message) const {
    return static_cast<bool>(SendMessage(channel_.get(), message));
  }

  // The next message; Stop where the connection is over.
  HolderMessage Next() const {
    pollfd fd = {channel_.get(), POLLIN, 0};
    if (poll(&fd, 1, 60000) != 1) return message::Stop();
    auto message = ReceiveMessage(channel_.get());
    return message ? std::move(*message) : message::Stop();
  }

  // Says hello and what it has; true once the mounter has answered, false where it refuses.
  bool Synchronize(const Volumes& offered = {}) {
    if (!Send(message::Hello())) return false;
    for (const auto& [id, volume] : offered) {
      auto copy = CopyOf(volume);
      if (!copy || !Send(message::Volume{std::move(*copy)})) return false;
    }
    if (!Send(message::Synced())) return false;
    for (;;) {
      HolderMessage message = Next();
      if (std::holds_alternative<message::Synced>(message)) return true;
      if (std::holds_alternative<message::Stop>(message)) return false;
      if (auto* const detached = std::get_if<message::Detached>(&message)) detached_ = detached->id;
      if (auto* const volume = std::get_if<message::Volume>(&message)) {
        told_[volume->mount.id] = std::move(volume->mount);
      }
      if (auto* const refused = std::get_if<message::Refused>(&message)) {
        refused_ = refused->why;
        return false;
      }
    }
  }

  // Asks for a mount; whether it was made.
  bool Mount(const std::string& id, const std::string& path, bool replace = false) {
    message::MountVolume request;
    request.serial = 7;
    request.replace = replace;
    request.id = id;
    request.path = path;
    request.source = "downwardfs:test";
    request.memory = *HandoverMemory::Create();
    Send(request);
    HolderMessage answer = Next();
    while (std::holds_alternative<message::Detached>(answer)) answer = Next();
    const auto* const done = std::get_if<message::Done>(&answer);
    if (done == nullptr || done->serial != request.serial) return false;
    auto mount = MountIn(*done);
    if (!mount) return false;
    mount->id = id;
    mount->path = path;
    mount->memory = std::move(request.memory);
    held_[id] = std::move(*mount);
    return true;
  }

  // Any question that the mounter answers.
  bool IsServed() const {
    return Send(message::FindPodDirectory{1, "/x"}) &&
           std::holds_alternative<message::Done>(Next());
  }

  OwnedFd channel_;
  Volumes held_;  // what it has mounted
  Volumes told_;  // what the mounter has told of
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
