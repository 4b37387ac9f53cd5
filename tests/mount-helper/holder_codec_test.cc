// SPDX-License-Identifier: Apache-2.0
// Every message of the holder's protocol: it arrives as it was said, its frame is the one that
// other builds of the same protocol number know, and the rule of holder_protocol.h for what they
// may add.
#include "mount-helper/holder_codec.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "mount-helper/holder_answers.h"

namespace downwardfs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = Frame::Kind;

constexpr std::uint64_t kSince = std::uint64_t{1} << 63;

OwnedFd Fd(const char* path = "/dev/null") {
  return OwnedFd(open(path, O_RDONLY | O_CLOEXEC));
}

// Which device a descriptor is of, to tell one from another.
unsigned Device(const OwnedFd& fd) {
  struct stat st = {};
  return fd && fstat(fd.get(), &st) == 0 ? static_cast<unsigned>(st.st_rdev) : 0;
}
unsigned Device(const char* path) {
  return Device(Fd(path));
}

ReceivedFrame Arrived(const Frame& frame, const std::vector<int>& fds) {
  ReceivedFrame received;
  static_cast<Frame&>(received) = *ParseFrame(FrameBytes(frame));
  for (const int fd : fds) received.fds.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  return received;
}

// The message as the other end has it.
template <class Message>
Message Said(const Message& message) {
  const auto frame = Encode(message);
  EXPECT_TRUE(frame) << frame.error().message;
  auto there = Decode(Arrived(*frame, frame->fds));
  EXPECT_TRUE(there) << there.error().message;
  return std::move(std::get<Message>(*there));
}

FuseMount Mounted() {
  FuseMount mount;
  mount.id = "csi-1";
  mount.path = "/mnt/with space";
  mount.file_system = "0:45";
  mount.mount_id = 321;
  mount.mounted = true;
  mount.device = Fd("/dev/zero");
  mount.view = Fd("/dev/full");
  mount.memory = Fd("/dev/null");
  mount.publisher = Fd("/dev/full");
  mount.poison = {40, 42};
  return mount;
}

TEST(HolderCodecTest, Hello) {
  EXPECT_EQ(Said(message::Hello{}).protocol, kHolderProtocol);
  EXPECT_EQ(Said(message::Hello{99}).protocol, 99u);
  EXPECT_THAT(Encode(message::Hello{})->numbers, ElementsAre(kHolderProtocol));
}

TEST(HolderCodecTest, AttachToAMount) {
  const std::chrono::steady_clock::time_point since(std::chrono::nanoseconds(123456789));
  const message::Attach attach = {
      {5, 4, 3, 2}, false, std::chrono::milliseconds(250), since, Mounted()};
  const message::Attach there = Said(attach);
  EXPECT_EQ(there.figures.generation, 5u);
  EXPECT_EQ(there.figures.deaths, 4u);
  EXPECT_EQ(there.figures.last_handover_us, 3u);
  EXPECT_EQ(there.figures.longest_handover_us, 2u);
  EXPECT_FALSE(there.resend);
  EXPECT_EQ(there.watchdog.count(), 250);
  EXPECT_EQ(there.unserved_since, since);
  EXPECT_TRUE(there.mount.mounted);
  EXPECT_EQ(there.mount.mount_id, 321);
  EXPECT_EQ(there.mount.path, "/mnt/with space");
  EXPECT_THAT(there.mount.poison, ElementsAre(40, 42));
  EXPECT_EQ(Device(there.mount.memory), Device("/dev/null"));
  EXPECT_EQ(Device(there.mount.device), Device("/dev/zero"));
  EXPECT_EQ(Device(there.mount.publisher), Device("/dev/full"));
  EXPECT_FALSE(there.mount.view);
  EXPECT_THAT(Encode(attach)->numbers,
              ElementsAre(5, 4, 3, 2, 321, 0, 250, 40, 42, 123456789 | kSince));
  EXPECT_EQ(Encode(attach)->text, "/mnt/with space");
}

TEST(HolderCodecTest, AttachBeforeTheMount) {
  message::Attach attach;
  attach.mount.path = "/mnt";
  attach.mount.memory = Fd();
  const message::Attach there = Said(attach);
  EXPECT_FALSE(there.mount.mounted);
  EXPECT_FALSE(there.mount.device);
  EXPECT_FALSE(there.unserved_since);
  EXPECT_TRUE(there.resend);
  EXPECT_THAT(there.mount.poison, IsEmpty());
  EXPECT_THAT(Encode(attach)->numbers, ElementsAre(0, 0, 0, 0, 0, 1, 0));
}

TEST(HolderCodecTest, AMountAndItsAnswers) {
  EXPECT_EQ(Said(message::MountNow{"downwardfs:a/b"}).source, "downwardfs:a/b");
  EXPECT_EQ(Said(message::Refused{"no /dev/fuse"}).why, "no /dev/fuse");
  const FuseMount there = Said(message::Mounted{Mounted()}).mount;
  EXPECT_TRUE(there.mounted);
  EXPECT_EQ(there.mount_id, 321);
  EXPECT_EQ(Device(there.device), Device("/dev/zero"));
  EXPECT_EQ(Device(there.publisher), Device("/dev/full"));
  EXPECT_THAT(Encode(message::Mounted{Mounted()})->numbers, ElementsAre(321));
  FuseMount without_publisher = Mounted();
  without_publisher.publisher.Reset();
  EXPECT_FALSE(Said(message::Mounted{std::move(without_publisher)}).mount.publisher);
}

TEST(HolderCodecTest, MessagesWithoutFields) {
  Said(message::Ready());
  Said(message::Serving());
  Said(message::Alive());
  Said(message::Stop());
  EXPECT_EQ(Said(message::Detached()).id, "");
  EXPECT_EQ(Said(message::Detached{"csi-1"}).id, "csi-1");
  EXPECT_EQ(Encode(message::Detached{"csi-1"})->text, "csi-1");
}

TEST(HolderCodecTest, Volume) {
  const FuseMount there = Said(message::Volume{Mounted()}).mount;
  EXPECT_EQ(there.id, "csi-1");
  EXPECT_EQ(there.path, "/mnt/with space");
  EXPECT_EQ(there.file_system, "0:45");
  EXPECT_TRUE(there.mounted);
  EXPECT_THAT(there.poison, ElementsAre(40, 42));
  EXPECT_EQ(Device(there.device), Device("/dev/zero"));
  EXPECT_EQ(Device(there.memory), Device("/dev/null"));
  EXPECT_EQ(Device(there.view), Device("/dev/full"));
  const auto frame = Encode(message::Volume{Mounted()});
  EXPECT_THAT(frame->numbers, ElementsAre(1, 40, 42));
  EXPECT_EQ(frame->text, std::string("csi-1\0/mnt/with space\0000:45\0", 27));
  FuseMount gone = Mounted();
  gone.mounted = false;
  gone.view.Reset();
  const FuseMount told = Said(message::Volume{std::move(gone)}).mount;
  EXPECT_FALSE(told.mounted);
  EXPECT_FALSE(told.view);
}

TEST(HolderCodecTest, SocketsAndSynced) {
  const message::Sockets both = Said(message::Sockets{Fd("/dev/zero"), Fd("/dev/full")});
  EXPECT_EQ(Device(both.csi), Device("/dev/zero"));
  EXPECT_EQ(Device(both.registration), Device("/dev/full"));
  EXPECT_FALSE(Said(message::Sockets{Fd(), OwnedFd()}).registration);
  EXPECT_FALSE(Said(message::Synced()).mounter_away);
  EXPECT_TRUE(Said(message::Synced{true}).mounter_away);
}

TEST(HolderCodecTest, RequestsOfADaemon) {
  message::MountVolume mount;
  mount.serial = 7;
  mount.replace = true;
  mount.id = "csi-1";
  mount.path = "/var/lib/kubelet/pods/u/volumes/v/mount";
  mount.source = "downwardfs:a/b";
  mount.memory = Fd();
  message::MountVolume there = Said(mount);
  EXPECT_EQ(there.serial, 7u);
  EXPECT_TRUE(there.replace);
  EXPECT_EQ(there.id, mount.id);
  EXPECT_EQ(there.path, mount.path);
  EXPECT_EQ(there.source, mount.source);
  EXPECT_EQ(there.selinux_context, "");
  EXPECT_TRUE(there.memory);
  EXPECT_THAT(Encode(mount)->numbers, ElementsAre(7, 1));
  mount.selinux_context = "system_u:object_r:x";
  EXPECT_EQ(Said(mount).selinux_context, "system_u:object_r:x");

  const message::UnmountVolume unmount = Said(message::UnmountVolume{8, true, "csi-1", "/p"});
  EXPECT_EQ(unmount.serial, 8u);
  EXPECT_TRUE(unmount.ours);
  EXPECT_EQ(unmount.id, "csi-1");
  EXPECT_EQ(unmount.path, "/p");
  EXPECT_EQ(Said(message::StartPublisher{9}).serial, 9u);
  const message::FindPodDirectory find = Said(message::FindPodDirectory{10, "/p"});
  EXPECT_EQ(find.serial, 10u);
  EXPECT_EQ(find.path, "/p");
}

TEST(HolderCodecTest, AnswersGoThroughASupervisor) {
  FuseMount made = Mounted();
  message::Done done = Said(DoneWith(7, Result<FuseMount>(std::move(made))));
  EXPECT_EQ(done.serial, 7u);
  done.serial = 70;
  const auto mount = MountIn(Said(done));
  ASSERT_TRUE(mount);
  EXPECT_EQ(mount->file_system, "0:45");
  EXPECT_EQ(Device(mount->device), Device("/dev/zero"));
  EXPECT_EQ(Device(mount->view), Device("/dev/full"));
  EXPECT_TRUE(*YesIn(Said(DoneWith(1, Result<bool>(true)))));
  EXPECT_FALSE(*YesIn(Said(DoneWith(1, Result<bool>(false)))));
  EXPECT_TRUE(*ConnectionIn(Said(DoneWith(1, Result<OwnedFd>(Fd())))));
  EXPECT_TRUE(StatusIn(Said(DoneWith(1, Status()))));
  EXPECT_THAT(Encode(DoneWith(1, Result<bool>(true)))->numbers, ElementsAre(1, 0, 1));
}

TEST(HolderCodecTest, AnErrorKeepsItsCodeAndWords) {
  const auto status =
      StatusIn(Said(DoneWith(1, Status(Fail(ErrorCode::kFailedPrecondition, "busy")))));
  EXPECT_EQ(status.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(status.error().message, "busy");
  // A code that this build does not know.
  const auto unknown = Decode(Arrived({Kind::kDone, {1, 999}, "later"}, {}));
  EXPECT_EQ(std::get<message::Done>(*unknown).error->code, ErrorCode::kInternal);
  // The descriptor that was asked for is not in it.
  EXPECT_EQ(MountIn(Said(DoneWith(1, Status()))).error().code, ErrorCode::kInternal);
  EXPECT_EQ(ConnectionIn(Said(DoneWith(1, Status()))).error().code, ErrorCode::kInternal);
}

TEST(HolderCodecTest, OrdersToAPublisher) {
  const message::ConnectDaemon connect = {Fd("/dev/zero")};
  const auto frame = Encode(connect);
  auto order = DecodeOrder(Arrived(*frame, frame->fds));
  ASSERT_TRUE(order);
  EXPECT_EQ(Device(std::get<message::ConnectDaemon>(*order).connection), Device("/dev/zero"));
  order = DecodeOrder(Arrived(*Encode(message::DropView()), {}));
  ASSERT_TRUE(order);
  EXPECT_TRUE(std::holds_alternative<message::DropView>(*order));
  EXPECT_FALSE(DecodeOrder(Arrived(*frame, {})));
  EXPECT_FALSE(DecodeOrder(Arrived(*Encode(message::Alive()), frame->fds)));
}

// A field that a later build adds at the end is ignored.
TEST(HolderCodecTest, WhatComesAfterTheKnownFieldsIsIgnored) {
  const OwnedFd fd = Fd();
  const int one = fd.get();
  const std::vector<Frame> frames = {
      {Kind::kHello, {1, 2, 3}, "more"},
      {Kind::kMounted, {321, 5}, "more"},
      {Kind::kSynced, {1, 7}, "more"},
      {Kind::kMountVolume, {7, 0, 1}, std::string("id\0path\0source\0context\0more\0", 28)},
      {Kind::kUnmountVolume, {7, 0, 1}, std::string("id\0path\0more\0", 13)},
      {Kind::kStartPublisher, {7, 8}, "more"},
      {Kind::kReady, {1}, "more"},
  };
  for (const Frame& frame : frames) {
    EXPECT_TRUE(Decode(Arrived(frame, {one, one, one, one}))) << static_cast<int>(frame.kind);
  }
}

TEST(HolderCodecTest, AMessageThatLacksAFieldIsRefused) {
  const OwnedFd fd = Fd();
  const int one = fd.get();
  const std::string fields("id\0path\0", 8);
  const std::vector<std::pair<Frame, std::vector<int>>> lacking = {
      {{Kind::kHello, {}, ""}, {}},
      {{Kind::kAttach, {1, 2, 3, 4, 0, 1}, "/mnt"}, {one}},
      {{Kind::kAttach, {1, 2, 3, 4, 0, 1, 0}, "/mnt"}, {}},
      {{Kind::kAttach, {1, 2, 3, 4, 321, 1, 0}, "/mnt"}, {one}},
      {{Kind::kAttach, {1, 2, 3, 4, std::uint64_t{1} << 32, 1, 0}, "/mnt"}, {one, one}},
      {{Kind::kMounted, {321}, ""}, {}},
      {{Kind::kMounted, {}, ""}, {one}},
      {{Kind::kVolume, {1}, fields}, {one, one}},
      {{Kind::kVolume, {1}, fields + std::string("0:45\0", 5)}, {one}},
      {{Kind::kVolume, {}, fields + std::string("0:45\0", 5)}, {one, one}},
      {{Kind::kVolume, {1}, std::string("\0path\0000:45\0", 11)}, {one, one}},
      {{Kind::kSockets, {}, ""}, {}},
      {{Kind::kMountVolume, {7, 0}, fields}, {one}},
      {{Kind::kMountVolume, {7, 0}, fields + std::string("source\0", 7)}, {}},
      {{Kind::kMountVolume, {}, fields + std::string("source\0", 7)}, {one}},
      {{Kind::kUnmountVolume, {7, 1}, "id"}, {}},
      {{Kind::kStartPublisher, {}, ""}, {}},
      {{Kind::kFindPodDirectory, {}, "/p"}, {}},
      {{Kind::kDone, {7}, ""}, {}},
  };
  for (const auto& [frame, fds] : lacking) {
    const auto message = Decode(Arrived(frame, fds));
    ASSERT_FALSE(message) << static_cast<int>(frame.kind);
    EXPECT_EQ(message.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(HolderCodecTest, WhatCannotBeSaidIsAnError) {
  message::MountVolume mount;
  mount.id = "id";
  mount.path = "/p";
  EXPECT_EQ(Encode(mount).error().code, ErrorCode::kInvalidArgument);  // no memory
  mount.memory = Fd();
  EXPECT_TRUE(Encode(mount));
  mount.path = std::string("/p\0/etc", 7);
  EXPECT_EQ(Encode(mount).error().code, ErrorCode::kInvalidArgument);
  mount.path = std::string(Frame::kMaxText, 'x');
  EXPECT_EQ(Encode(mount).error().code, ErrorCode::kInvalidArgument);
  // A text that only explains is cut.
  EXPECT_EQ(Said(message::Refused{std::string(20000, 'x')}).why.size(), Frame::kMaxText);
}

}  // namespace
}  // namespace downwardfs
