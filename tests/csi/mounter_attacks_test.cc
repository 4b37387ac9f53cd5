// SPDX-License-Identifier: Apache-2.0
// A client that has been taken over asks the mounter for more than it gets: other drivers'
// places, sockets of its own, processes and volumes without end.
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "tests/csi/mounter_client.h"
#include "tests/support/matchers.h"

namespace downwardfs::testing {
namespace {

class MounterAttackTest : public NodeMounterTest {
 protected:
  // The answer to a request for a mount, or for an unmount.
  static message::Done AskMount(const Client& client, const std::string& id,
                                const std::string& path) {
    EXPECT_TRUE(client.Send(MountVolumeRequest(9, true, id, path)));
    return Answer(client);
  }
  static message::Done AskUnmount(const Client& client, const std::string& id,
                                  const std::string& path) {
    EXPECT_TRUE(client.Send(message::UnmountVolume{9, true, id, path}));
    return Answer(client);
  }
  static message::Done Answer(const Client& client) {
    for (;;) {
      HolderMessage answer = client.Next();
      if (auto* const done = std::get_if<message::Done>(&answer)) return std::move(*done);
      if (!std::holds_alternative<message::Detached>(answer)) return {};
    }
  }
  void RestartMounter() {
    holder_->Wait(SIGKILL);
    holder_.reset();
    StartHolder();
    ASSERT_TRUE(IsUp());
  }
  // The processes of that name below the mounter.
  int Processes(const std::string& name) const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "stat");
      std::string pid, comm, state;
      pid_t parent = 0;
      if (file >> pid >> comm >> state >> parent && comm == "(" + name + ")" && state != "Z" &&
          parent == holder_->pid()) {
        ++count;
      }
    }
    return count;
  }
};

TEST_F(MounterAttackTest, AnotherDriversPlaceIsNotMountedOn) {
  Client client(holder_socket_);
  ASSERT_TRUE(client.Synchronize());
  const std::string target = Target("web", "other");
  for (const bool there : {false, true}) {
    if (there) std::filesystem::create_directory(target);
    const message::Done done = AskMount(client, "csi-1", target);
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->code, ErrorCode::kPermissionDenied);
    EXPECT_THAT(done.error->message, HasSubstr("is a volume of driver \"csi.example.com\""));
    EXPECT_EQ(std::filesystem::exists(target), there);
    EXPECT_EQ(MountsAt(target), 0);
  }
}

TEST_F(MounterAttackTest, AnotherDriversPlaceIsNeitherUnmountedNorRemoved) {
  Client client(holder_socket_);
  ASSERT_TRUE(client.Synchronize());
  const std::string target = Target("web", "other");
  std::filesystem::create_directory(target);
  ASSERT_TRUE(AskUnmount(client, "csi-1", target).error);
  EXPECT_TRUE(std::filesystem::is_directory(target));
  // Also if it looks as if it were ours.
  ASSERT_EQ(mount("tmpfs", target.c_str(), "tmpfs", 0, nullptr), 0);
  ASSERT_TRUE(AskUnmount(client, "csi-1", target).error);
  EXPECT_EQ(MountsAt(target), 1);
  umount2(target.c_str(), MNT_DETACH);
}

TEST_F(MounterAttackTest, APlaceWithoutTheKubeletsRecordIsNobodys) {
  Client client(holder_socket_);
  ASSERT_TRUE(client.Synchronize());
  const std::string target = Target();
  const std::string record =
      std::filesystem::path(target).parent_path().string() + "/vol_data.json";
  const std::string good = dir_.Write("good.json", ReadFile(record).value_or(""));
  const auto refused = [&] {
    const message::Done done = AskMount(client, "csi-1", target);
    return done.error && done.error->code == ErrorCode::kFailedPrecondition;
  };
  std::filesystem::remove(record);
  EXPECT_TRUE(refused());
  std::filesystem::create_symlink(good, record);
  EXPECT_TRUE(refused());
  std::filesystem::remove(record);
  ASSERT_EQ(mkfifo(record.c_str(), 0644), 0);
  EXPECT_TRUE(refused());
  std::filesystem::remove(record);
  // Nothing is there, and nothing is asked for: the kubelet has removed it all.
  EXPECT_FALSE(AskUnmount(client, "csi-1", target).error);
  std::filesystem::create_directory(target);
  EXPECT_TRUE(AskUnmount(client, "csi-1", target).error);
  WriteVolumeData(target, kDriver, "second");
  EXPECT_EQ(AskMount(client, "csi-1", target).error->code, ErrorCode::kPermissionDenied);
  WriteVolumeData(target, kDriver, "ours");
  EXPECT_FALSE(AskMount(client, "csi-1", target).error);
  // A volume of ours is unmounted even if the kubelet has removed its record.
  std::filesystem::remove(record);
  EXPECT_FALSE(AskUnmount(client, "csi-1", target).error);
  EXPECT_FALSE(std::filesystem::exists(target));
}

// A listening socket that is bound to `path`, by a user that calls listen(2).
OwnedFd ListenAs(const std::string& path, uid_t user) {
  OwnedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(seteuid(user), 0);
  EXPECT_EQ(listen(fd.get(), 8), 0);
  EXPECT_EQ(seteuid(0), 0);
  return fd;
}

ino_t SocketInode(const std::string& path) {
  struct stat st = {};
  return stat(path.c_str(), &st) == 0 ? st.st_ino : 0;
}

TEST_F(MounterAttackTest, ANewMounterTakesNoSocketsButThoseOfTheOneBefore) {
  message::Sockets real;
  {
    Client first(holder_socket_);
    ASSERT_TRUE(first.Send(message::Hello()) && first.Send(message::Synced()));
    HolderMessage answer = first.Next();
    auto* const sockets = std::get_if<message::Sockets>(&answer);
    ASSERT_NE(sockets, nullptr);
    real = std::move(*sockets);
  }
  const ino_t before = SocketInode(socket_);
  const auto offer = [&](const message::Sockets& sockets) {
    RestartMounter();
    Client client(holder_socket_);
    return client.Send(message::Hello()) && client.Send(sockets) &&
           client.Send(message::Synced()) &&
           std::holds_alternative<message::Sockets>(client.Next());
  };
  EXPECT_TRUE(offer(real));
  EXPECT_EQ(SocketInode(socket_), before);
  // At the right paths, but a user without rights listens there.
  real = {};
  std::filesystem::remove(socket_);
  std::filesystem::remove(registration_);
  const message::Sockets false_ones = {ListenAs(socket_, 65532), ListenAs(registration_, 65532)};
  const ino_t false_inode = SocketInode(socket_);
  std::filesystem::remove(socket_);
  std::filesystem::remove(registration_);
  EXPECT_TRUE(offer(false_ones));
  EXPECT_NE(SocketInode(socket_), 0U);
  EXPECT_NE(SocketInode(socket_), false_inode);
  EXPECT_TRUE(ConnectTo(socket_, SocketKind::kStream));
  // Root's, but of other paths: the two are exchanged.
  holder_->Wait(SIGKILL);
  std::filesystem::remove(socket_);
  std::filesystem::remove(registration_);
  const message::Sockets exchanged = {ListenAs(registration_, 0), ListenAs(socket_, 0)};
  std::filesystem::remove(socket_);
  std::filesystem::remove(registration_);
  holder_.reset();
  StartHolder();
  EXPECT_TRUE(offer(exchanged));
  EXPECT_TRUE(ConnectTo(socket_, SocketKind::kStream));
  EXPECT_TRUE(ConnectTo(registration_, SocketKind::kStream));
}

TEST_F(MounterAttackTest, PublishersAreBounded) {
  Client client(holder_socket_);
  ASSERT_TRUE(client.Synchronize());
  std::vector<OwnedFd> connections;
  int refused = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(client.Send(message::StartPublisher{static_cast<std::uint64_t>(i)}));
    message::Done done = Answer(client);
    if (done.error) {
      EXPECT_EQ(done.error->code, ErrorCode::kResourceExhausted);
      ++refused;
    } else {
      connections.push_back(std::move(done.body.fds[0]));
    }
  }
  EXPECT_EQ(connections.size(), 64U);
  EXPECT_EQ(refused, 936);
  EXPECT_LE(Processes("dwfs-publisher"), 64);
  // Each ends with its connection, and another may take its place.
  connections.clear();
  EXPECT_TRUE(Eventually([&] { return Processes("dwfs-publisher") == 0; }));
  EXPECT_TRUE(
      Eventually([&] { return client.Send(message::StartPublisher{1}) && !Answer(client).error; }));
}

TEST_F(MounterAttackTest, OffersOfOneMountAreOneVolume) {
  Client first(holder_socket_);
  ASSERT_TRUE(first.Synchronize());
  const std::string target = Target();
  ASSERT_TRUE(first.Mount("csi-1", target));
  RestartMounter();
  Volumes offers;
  for (int i = 0; i < 337; ++i) {
    auto copy = CopyOf(first.held_["csi-1"]);
    copy->id = "csi-" + std::to_string(i);
    offers[copy->id] = std::move(*copy);
  }
  Client client(holder_socket_);
  client.Synchronize(offers);  // which may end it
  client.channel_.Reset();
  EXPECT_TRUE(Eventually([&] {
    Client next(holder_socket_);
    return next.Synchronize() && next.told_.size() == 1;
  }));
}

TEST_F(MounterAttackTest, AnOfferIsOnlyWhatTheKubeletHasForUs) {
  Client first(holder_socket_);
  ASSERT_TRUE(first.Synchronize());
  const std::string target = Target();
  ASSERT_TRUE(first.Mount("csi-1", target));
  const auto taken = [&](const std::string& path) {
    RestartMounter();
    Volumes offers;
    offers["csi-1"] = *CopyOf(first.held_["csi-1"]);
    offers["csi-1"].path = path;
    Client client(holder_socket_);
    EXPECT_TRUE(client.Synchronize(offers));
    return client.detached_.empty();
  };
  EXPECT_FALSE(taken(Target("web", "second")));
  WriteVolumeData(target, "csi.example.com", "ours");
  EXPECT_FALSE(taken(target));
  WriteVolumeData(target, kDriver, "ours");
  EXPECT_TRUE(taken(target));
}

TEST_F(MounterAttackTest, TwoVolumesHaveNotOnePlace) {
  Client client(holder_socket_);
  ASSERT_TRUE(client.Synchronize());
  const std::string target = Target();
  ASSERT_TRUE(client.Mount("csi-1", target));
  const message::Done second = AskMount(client, "csi-2", target);
  ASSERT_TRUE(second.error);
  EXPECT_EQ(second.error->code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(AskMount(client, std::string(129, 'x'), Target("web", "second")).error->code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(MountsAt(target), 1);
}

TEST_F(MounterAttackTest, AMessageOutOfTurnEndsTheConnection) {
  const auto ends = [&](Client& client) {
    return std::holds_alternative<message::Stop>(client.Next());
  };
  {
    Client early(holder_socket_);  // asks before it has said what it has
    ASSERT_TRUE(early.Send(message::Hello()) && early.Send(message::StartPublisher{1}));
    EXPECT_TRUE(ends(early));
  }
  {
    Client late(holder_socket_);
    ASSERT_TRUE(late.Synchronize());
    ASSERT_TRUE(late.Mount("csi-1", Target()));
    ASSERT_TRUE(late.Send(message::Volume{*CopyOf(late.held_["csi-1"])}));
    EXPECT_TRUE(ends(late));
  }
  {
    Client strange(holder_socket_);
    ASSERT_TRUE(strange.Synchronize());
    ASSERT_TRUE(strange.Send(message::Detached{"csi-1"}));
    EXPECT_TRUE(ends(strange));
  }
  Client next(holder_socket_);
  EXPECT_TRUE(next.Synchronize());
}

}  // namespace
}  // namespace downwardfs::testing
