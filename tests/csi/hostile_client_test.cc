// SPDX-License-Identifier: Apache-2.0
// A client of the mounter that offers descriptors of a file system of its own, which never answers,
// in each message and at each place. The mounter serves the next client.
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>

#include "mount-helper/fd_packet.h"
#include "mount-helper/mount_identity.h"
#include "mount-helper/received_fd.h"
#include "tests/csi/mounter_client.h"
#include "tests/fakes/hung_file_system.h"
#include "tests/support/socket_pair.h"

namespace downwardfs::testing {
namespace {

class HostileClientTest : public NodeMounterTest {
 protected:
  HostileClientTest() : hung_(dir_.MakeDir("hung")) {
    // Packets of every kind, with the bad descriptor at each place.
    for (auto number = static_cast<std::uint32_t>(Frame::Kind::kHello);
         number <= static_cast<std::uint32_t>(Frame::Kind::kDone); ++number) {
      const Frame frame = {static_cast<Frame::Kind>(number),
                           {kHolderProtocol, 0, 0, 0, 1, 0, 0},
                           std::string("id\0/p\0"
                                       "0:1\0",
                                       10)};
      for (std::size_t at = 0; at < kMaxPacketFds; ++at) {
        packets_.push_back({FrameBytes(frame), at, DescriptorsOf(frame)});
      }
    }
  }

  struct Packet {
    std::string bytes;
    std::size_t at;  // of the bad descriptor
    std::vector<FdKind> kinds;
  };

  bool Offer(const MounterClient& client, const Packet& packet) const {
    std::vector<int> fds;
    for (std::size_t i = 0; i < packet.at; ++i) {
      const FdKind kind = i < packet.kinds.size() ? packet.kinds[i] : FdKind::kUnixSocket;
      fds.push_back(kind == FdKind::kMemory       ? memory_.get()
                    : kind == FdKind::kFuseDevice ? device_.get()
                    : kind == FdKind::kPathOnly   ? path_.get()
                                                  : socket_fd_.get());
    }
    return hung_.Send(client.channel_.get(), packet.bytes, fds, packet.at);
  }

  HungFileSystem hung_;
  const OwnedFd memory_ = *HandoverMemory::Create();
  const OwnedFd device_{open("/dev/fuse", O_RDWR | O_CLOEXEC)};
  const OwnedFd path_{open("/", O_PATH | O_CLOEXEC)};
  const OwnedFd socket_fd_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::vector<Packet> packets_;
};

TEST_F(HostileClientTest, NoMessageAtTheDoorHangsTheMounter) {
  for (const Packet& packet : packets_) {
    const Client client(holder_socket_);
    ASSERT_TRUE(Offer(client, packet));
    EXPECT_TRUE(std::holds_alternative<message::Stop>(client.Next()));
  }
  EXPECT_TRUE(IsUp());
}

TEST_F(HostileClientTest, NoMessageOfAClientHangsTheMounter) {
  for (const bool offering : {true, false}) {
    for (const Packet& packet : packets_) {
      Client client(holder_socket_);
      ASSERT_TRUE(offering ? client.Send(message::Hello()) : client.Synchronize());
      ASSERT_TRUE(Offer(client, packet));
      Offer(client, packet);  // nobody reads this one; it may find the connection closed
      EXPECT_TRUE(std::holds_alternative<message::Stop>(client.Next()));
    }
  }
  Client next(holder_socket_);
  EXPECT_TRUE(next.Synchronize());
  EXPECT_TRUE(next.Mount("csi-1", Target()));
}

// Descriptors that lie nowhere else than in a queue: the one that the mounter reads or closes, that
// of a socket that is sent itself, and behind a packet without bytes, which looks like the end.
// A process that lets go of one hangs.
TEST_F(HostileClientTest, NoDescriptorInAQueueHangsTheMounter) {
  using Kind = Frame::Kind;
  const auto serves = [&] {
    Client next(holder_socket_);
    return next.Synchronize();
  };
  const auto loaded = [&] {
    auto [sent, other] = SocketPair();
    EXPECT_TRUE(hung_.SendLast(other.get(), "x"));
    return std::move(sent);
  };
  for (const bool at_door : {true, false}) {
    for (const std::string& bytes :
         {std::string(), FrameBytes({Kind::kHello, {1}, ""}), FrameBytes({Kind::kSynced, {0}, ""}),
          std::string("nonsense")}) {
      Client client(holder_socket_);
      ASSERT_TRUE(at_door || client.Synchronize());
      ASSERT_TRUE(hung_.SendLast(client.channel_.get(), bytes));
      EXPECT_TRUE(std::holds_alternative<message::Stop>(client.Next()));
      ASSERT_TRUE(serves()) << "received, with " << bytes.size() << " bytes";
    }
    Client client(holder_socket_);
    ASSERT_TRUE(at_door || client.Synchronize());
    EXPECT_EQ(send(client.channel_.get(), "", 0, MSG_NOSIGNAL), 0);
    hung_.SendLast(client.channel_.get(), "x");  // it may find the connection closed
    ASSERT_TRUE(serves()) << "behind a packet without bytes";
  }
  for (const bool offering : {true, false}) {
    for (const Kind kind : {Kind::kMounted, Kind::kSockets, Kind::kDone, Kind::kAttach}) {
      OwnedFd socket = loaded();
      const bool after_device = kind == Kind::kMounted;
      std::vector<int> fds = {socket.get(), socket.get()};
      if (after_device) fds[0] = device_.get();
      if (kind == Kind::kAttach) fds = {memory_.get(), device_.get(), socket.get()};
      Client client(holder_socket_);
      ASSERT_TRUE(offering ? client.Send(message::Hello()) : client.Synchronize());
      ASSERT_TRUE(SendPacket(client.channel_.get(),
                             FrameBytes({kind, {kHolderProtocol, 0, 0, 0, 1, 0, 0}, ""}), fds));
      socket.Reset();
      ASSERT_TRUE(offering || std::holds_alternative<message::Stop>(client.Next()));
      client.channel_.Reset();
      ASSERT_TRUE(serves()) << "in a socket of kind " << static_cast<int>(kind);
    }
  }
  Client next(holder_socket_);
  EXPECT_TRUE(next.Synchronize());
  EXPECT_TRUE(next.Mount("csi-1", Target()));
}

// The place is right, and so is the device's number: the view is of the attacker's file system.
TEST_F(HostileClientTest, AnOfferedViewOfAnotherFileSystemIsRefused) {
  Client client(holder_socket_);
  ASSERT_TRUE(client.Send(message::Hello()));
  message::Volume offer;
  offer.mount.id = "csi-1";
  offer.mount.path = Target();
  offer.mount.mounted = true;
  offer.mount.view.Reset(open((dir_ / "hung").c_str(), O_PATH | O_CLOEXEC));
  offer.mount.file_system = FileSystemOf(offer.mount.view.get());
  offer.mount.device = Duplicate(device_);
  offer.mount.memory = Duplicate(memory_);
  ASSERT_TRUE(client.Send(offer) && client.Send(message::Synced()));
  const HolderMessage answer = client.Next();
  const auto* const detached = std::get_if<message::Detached>(&answer);
  ASSERT_NE(detached, nullptr);
  EXPECT_EQ(detached->id, "csi-1");
}

}  // namespace
}  // namespace downwardfs::testing
