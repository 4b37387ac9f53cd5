// SPDX-License-Identifier: Apache-2.0
// A sender offers descriptors of a file system that it serves itself and never answers for: in each
// message, in each direction. A process that asks about one, or closes it, hangs for ever; the
// receiver does not. Needs root and /dev/fuse.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <optional>

#include "mount-helper/daemon_keeper.h"
#include "mount-helper/file_system_set.h"
#include "mount-helper/handover_memory.h"
#include "mount-helper/message_channel.h"
#include "mount-helper/publisher_process.h"
#include "mount-helper/received_fd.h"
#include "mount-helper/tree_call.h"
#include "tests/fakes/hung_file_system.h"
#include "tests/support/mounted.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

using Kind = Frame::Kind;

class HostileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0 || access("/dev/fuse", R_OK) != 0) GTEST_SKIP() << "needs root, /dev/fuse";
    hung_.emplace(dir_.MakeDir("hung"));
  }

  void MakeChannel(int flags = 0) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0, ends), 0);
    here_.Reset(ends[0]);
    there_.Reset(ends[1]);
  }

  // Each kind of message, as if it had all its fields, with the bad descriptor at each place:
  // `attempt` gets a function that sends it from here_.
  template <class Try>
  void ForEachMessage(const Try& attempt) {
    const OwnedFd memory = *HandoverMemory::Create();
    const OwnedFd device(open("/dev/fuse", O_RDWR | O_CLOEXEC));
    const OwnedFd path(open("/", O_PATH | O_CLOEXEC));
    const OwnedFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    for (auto number = static_cast<std::uint32_t>(Kind::kHello);
         number <= static_cast<std::uint32_t>(Kind::kDone); ++number) {
      const Frame frame = {static_cast<Kind>(number),
                           {kHolderProtocol, 0, 0, 0, 1, 0, 0},
                           std::string("id\0/p\0"
                                       "0:1\0",
                                       10)};
      std::vector<int> good;
      for (const FdKind kind : DescriptorsOf(frame)) {
        good.push_back(kind == FdKind::kMemory       ? memory.get()
                       : kind == FdKind::kFuseDevice ? device.get()
                       : kind == FdKind::kPathOnly   ? path.get()
                                                     : socket.get());
      }
      for (std::size_t at = 0; at <= good.size() && at < kMaxPacketFds; ++at) {
        std::vector<int> fds = good;
        if (at < fds.size()) fds.erase(fds.begin() + static_cast<std::ptrdiff_t>(at));
        SCOPED_TRACE("kind " + std::to_string(number) + ", descriptor " + std::to_string(at));
        attempt([&] { return hung_->Send(here_.get(), FrameBytes(frame), fds, at); });
      }
    }
  }

  const TempDir dir_;
  std::optional<HungFileSystem> hung_;
  OwnedFd here_;
  OwnedFd there_;
};

TEST_F(HostileTest, WhatADescriptorIsIsFoundOutWithoutItsFileSystem) {
  EXPECT_EQ(KindOf(hung_->Open()), FdKind::kUnknown);
  EXPECT_EQ(KindOf(OwnedFd(open((dir_ / "hung/file").c_str(), O_PATH | O_CLOEXEC)).get()),
            FdKind::kPathOnly);
  EXPECT_EQ(KindOf(HandoverMemory::Create()->get()), FdKind::kMemory);
  EXPECT_EQ(KindOf(OwnedFd(open("/dev/fuse", O_RDWR | O_CLOEXEC)).get()), FdKind::kFuseDevice);
  EXPECT_EQ(KindOf(OwnedFd(socket(AF_UNIX, SOCK_STREAM, 0)).get()), FdKind::kUnixSocket);
  EXPECT_EQ(KindOf(OwnedFd(socket(AF_INET, SOCK_STREAM, 0)).get()), FdKind::kUnknown);
  EXPECT_EQ(KindOf(OwnedFd(open("/dev/null", O_RDONLY)).get()), FdKind::kUnknown);
  EXPECT_EQ(KindOf(OwnedFd(open("/dev/fuse", O_PATH | O_CLOEXEC)).get()), FdKind::kPathOnly);
  EXPECT_EQ(KindOf(OwnedFd(memfd_create("unsealed", MFD_ALLOW_SEALING)).get()), FdKind::kUnknown);
  EXPECT_EQ(KindOf(-1), FdKind::kUnknown);
  EXPECT_EQ(hung_->waiting(), 0);
}

// From whoever has more rights: a mounter to a supervisor, a supervisor or holder to a daemon.
TEST_F(HostileTest, AnEqualRefusesTheMessageAndTouchesNothing) {
  MakeChannel();
  ForEachMessage([&](const auto& send) {
    ASSERT_TRUE(send());
    const auto message = ReceiveMessage(there_.get());
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error().code, ErrorCode::kInvalidArgument);
  });
  ASSERT_TRUE(hung_->Send(here_.get(), FrameBytes({Kind::kAttach, {}, ""}), {}, 0));
  EXPECT_EQ(ReceiveOrder(there_.get()).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(hung_->waiting(), 0);
}

// To whoever has more rights: a client to a mounter, a daemon to its supervisor.
TEST_F(HostileTest, TheGateRefusesTheMessageAndGoesOn) {
  DescriptorGate gate;
  // More often than one child takes.
  for (int round = 0; round < 10; ++round) {
    ForEachMessage([&](const auto& send) {
      MakeChannel();
      ASSERT_TRUE(send());
      ASSERT_TRUE(send());  // never read
      const auto message = ReceiveMessage(there_.get(), gate, LesserPeer::kClient);
      ASSERT_FALSE(message);
      EXPECT_EQ(message.error().code, ErrorCode::kInvalidArgument);
      gate.EndConnection(std::move(there_));
      char byte = 0;
      const ssize_t got = recv(here_.get(), &byte, 1, 0);
      EXPECT_TRUE(got == 0 || (got == -1 && errno == ECONNRESET));  // sees the end at once
    });
  }
  EXPECT_FALSE(gate.full());
  // A good one is taken as before.
  MakeChannel();
  message::MountVolume request;
  request.id = "csi-1";
  request.memory = *HandoverMemory::Create();
  ASSERT_TRUE(SendMessage(here_.get(), request));
  auto taken = ReceiveMessage(there_.get(), gate, LesserPeer::kClient);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_TRUE(HandoverMemory::Map(std::get<message::MountVolume>(*taken).memory.get()));
}

TEST_F(HostileTest, AMessageWithoutDescriptorsHasNoRoomForOne) {
  MakeChannel();
  ForEachMessage([&](const auto& send) {
    ASSERT_TRUE(send());
    EXPECT_FALSE(ReceiveBareMessage(there_.get()));
  });
  EXPECT_EQ(hung_->waiting(), 0);
}

// A daemon to its holder.
class HostileDaemonTest : public HostileTest, public DaemonKeeper::Owner, public DaemonProcesses {
 protected:
  Result<Started> Start() override {
    MakeChannel(SOCK_NONBLOCK);
    return Started{1, std::move(there_)};
  }
  void Kill(pid_t /*pid*/) override { ++killed_; }
  bool IsDying(pid_t /*pid*/) override { return false; }
  int End(pid_t /*pid*/) override { return 1; }
  void Attach() override {}
  void Take(HolderMessage& /*message*/) override { ++taken_; }
  DaemonKeeper::Next Ended(const DaemonKeeper::End& /*end*/) override {
    return DaemonKeeper::Next::kAnother;
  }
  bool SignsExpected() const override { return false; }
  std::map<std::string, int> Memories() const override { return {}; }

  int killed_ = 0;
  int taken_ = 0;
};

TEST_F(HostileDaemonTest, TheKeeperKillsTheDaemonAndStartsAnother) {
  DaemonKeeper keeper(*this, *this, std::chrono::milliseconds(0));
  int tried = 0;
  ForEachMessage([&](const auto& send) {
    ASSERT_TRUE(keeper.Start());
    ASSERT_TRUE(send());
    ASSERT_TRUE(send());  // lies there when the daemon has died
    keeper.TakeMessage();
    EXPECT_EQ(killed_, ++tried);
    keeper.Ended(SIGKILL);
  });
  EXPECT_EQ(taken_, 0);
}

// A descriptor that lies nowhere else than in a queue: whoever lets go of it hangs.
TEST_F(HostileDaemonTest, TheKeeperLetsGoOfNoDescriptorInAQueue) {
  DaemonKeeper keeper(*this, *this, std::chrono::milliseconds(0));
  for (const Kind kind : {Kind::kMounted, Kind::kSockets, Kind::kDone, Kind::kAttach}) {
    ASSERT_TRUE(keeper.Start());
    int ends[2] = {-1, -1};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    OwnedFd loaded(ends[0]);
    ASSERT_TRUE(hung_->SendLast(OwnedFd(ends[1]).get(), "x"));
    const OwnedFd memory = *HandoverMemory::Create();
    const OwnedFd device(open("/dev/fuse", O_RDWR | O_CLOEXEC));
    std::vector<int> fds = {loaded.get(), loaded.get()};
    if (kind == Kind::kMounted) fds[0] = device.get();
    if (kind == Kind::kAttach) fds = {memory.get(), device.get(), loaded.get()};
    ASSERT_TRUE(SendPacket(here_.get(), FrameBytes({kind, {0, 0, 0, 0, 1, 0, 0}, ""}), fds));
    loaded.Reset();
    keeper.TakeMessage();
    keeper.Ended(SIGKILL);
  }
  for (const bool empty_first : {false, true}) {
    ASSERT_TRUE(keeper.Start());
    if (empty_first) {
      ASSERT_EQ(send(here_.get(), "", 0, 0), 0);
    }
    ASSERT_TRUE(hung_->SendLast(here_.get(), ""));
    keeper.TakeMessage();
    EXPECT_LT(keeper.channel(), 0);
    keeper.Ended(SIGKILL);
  }
  EXPECT_EQ(taken_, 0);
}

// A daemon to a publisher's process.
TEST_F(HostileTest, AHoldersPublisherOutlivesTheCall) {
  const OwnedFd view(open("/", O_PATH | O_CLOEXEC));
  const OwnedFd device(open("/dev/fuse", O_RDWR | O_CLOEXEC));
  auto process = PublisherProcess::Start(view.get(), device.get());
  ASSERT_TRUE(process);
  const std::string call = EncodeTreeCall({TreeCall::Kind::kLook, 0, 0, "tmp", ""});
  for (int i = 0; i < 3; ++i) {
    const auto hostile = process->Connect();
    ASSERT_TRUE(hostile);
    ASSERT_TRUE(hung_->Send(hostile->get(), call, {device.get()}, static_cast<std::size_t>(i % 2)));
    int result = 0;
    EXPECT_EQ(recv(hostile->get(), &result, sizeof result, 0), 0);
  }
  const auto next = process->Connect();
  ASSERT_TRUE(next);
  ASSERT_TRUE(SendPacket(next->get(), call, {}));
  int result = -1;
  EXPECT_EQ(recv(next->get(), &result, sizeof result, 0), static_cast<ssize_t>(sizeof result));
  EXPECT_EQ(result, 0);
  for (const std::string& first : {std::string(), call, std::string("nonsense")}) {
    const auto hostile = process->Connect();
    ASSERT_TRUE(hostile);
    ASSERT_TRUE(first == call || send(hostile->get(), first.data(), first.size(), 0) >= 0);
    hung_->SendLast(hostile->get(), first);  // it may find the connection closed
  }
  const auto last = process->Connect();
  ASSERT_TRUE(last);
  ASSERT_TRUE(SendPacket(last->get(), call, {}));
  EXPECT_EQ(recv(last->get(), &result, sizeof result, 0), static_cast<ssize_t>(sizeof result));
  EXPECT_EQ(hung_->waiting(), 0);
  process->End();
}

TEST_F(HostileTest, APublisherOfManyVolumesHarmsItsCallerAlone) {
  auto allowed = FileSystemSet::Create();
  ASSERT_TRUE(allowed);
  const OwnedFd view(open("/", O_PATH | O_CLOEXEC));
  const OwnedFd device(open("/dev/fuse", O_RDWR | O_CLOEXEC));
  const std::string call = EncodeTreeCall({TreeCall::Kind::kLook, 0, 0, "tmp", ""});
  for (const std::size_t at : {0, 1, 2}) {
    std::vector<int> fds = {device.get(), view.get()};
    if (at < fds.size()) fds.erase(fds.begin() + static_cast<std::ptrdiff_t>(at));
    auto process = PublisherProcess::StartShared(*allowed);
    ASSERT_TRUE(process);
    const auto connection = process->Connect();
    ASSERT_TRUE(connection);
    ASSERT_TRUE(hung_->Send(connection->get(), call, fds, at));
    int result = 0;
    EXPECT_EQ(recv(connection->get(), &result, sizeof result, 0), 0);
    kill(process->pid(), SIGKILL);
  }
  hung_.reset();  // those that hang end, and can be reaped
  while (waitpid(-1, nullptr, 0) > 0) {
  }
}

}  // namespace
}  // namespace downwardfs::testing
