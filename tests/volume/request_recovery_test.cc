// SPDX-License-Identifier: Apache-2.0
// How a daemon goes on with the requests of the one before it, with a socket in the device's place
// (a packet each way is a request or an answer) and a forged FUSE_INIT.
#include "fs/fuse/request_recovery.h"

#include <gmock/gmock.h>
#include <linux/fuse.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <tuple>

#include "fs/fuse/kernel_session.h"
#include "fs/fuse/operations.h"
#include "fs/fuse/request_in_work.h"
#include "fs/volume/kubelet_layout.h"
#include "tests/support/socket_pair.h"

namespace downwardfs {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

constexpr std::uint64_t kInitUnique = 2;
constexpr std::uint32_t kHasResend = std::uint32_t{1} << 7;  // of flags2

class RequestRecoveryTest : public ::testing::Test {
 protected:
  RequestRecoveryTest() {
    std::tie(kernel_, device_) = testing::SocketPair();
    EXPECT_TRUE(nodes_.UseLog(std::make_unique<HandoverLog>(memory_)));
    nodes_.Show(nodes_.Stage(VolumeVersion::Make({{"a", "content", 0644, "", ""}}, "..v1",
                                                 std::chrono::system_clock::now()),
                             ""));
    context_.file_system = &nodes_;
    context_.counters = &counters_;
    context_.recovery = &recovery_;
  }

  static std::string Request(std::uint32_t opcode, std::uint64_t unique, const std::string& body) {
    fuse_in_header header = {};
    header.len = static_cast<std::uint32_t>(sizeof header + body.size());
    header.opcode = opcode;
    header.unique = unique;
    header.nodeid = FUSE_ROOT_ID;
    return std::string(reinterpret_cast<const char*>(&header), sizeof header) + body;
  }
  static std::string Init(std::uint32_t flags2) {
    fuse_init_in init = {};
    init.major = FUSE_KERNEL_VERSION;
    init.minor = FUSE_KERNEL_MINOR_VERSION;
    init.flags = FUSE_INIT_EXT;
    init.flags2 = flags2;
    return Request(FUSE_INIT, kInitUnique,
                   std::string(reinterpret_cast<const char*>(&init), sizeof init));
  }
  static std::string Lookup(std::uint64_t unique) {
    return Request(FUSE_LOOKUP, unique, std::string("a\0", 2));
  }

  void SaveInit(const std::string& init) {
    init.copy(reinterpret_cast<char*>(memory_.header().init), init.size());
    memory_.header().init_size = static_cast<std::uint32_t>(init.size());
  }
  void LeaveInSlot(std::uint32_t slot, const std::string& request) {
    request.copy(reinterpret_cast<char*>(memory_.slot(slot)), request.size());
  }
  std::unique_ptr<KernelSession> Resume(std::vector<std::uint64_t> poison = {}) {
    auto session =
        KernelSession::Resume(std::move(device_), context_, /*resend=*/true, std::move(poison));
    EXPECT_TRUE(session);
    return session ? std::move(*session) : nullptr;
  }
  // The numbers of what was answered; 0: a notification.
  std::vector<std::uint64_t> Answers() {
    std::vector<std::uint64_t> uniques;
    char bytes[65536];
    while (recv(kernel_.get(), bytes, sizeof bytes, 0) > 0) {
      fuse_out_header header = {};
      std::memcpy(&header, bytes, sizeof header);
      uniques.push_back(header.unique);
    }
    return uniques;
  }

  const OwnedFd fd_ = *HandoverMemory::Create();
  const HandoverMemory memory_ = *HandoverMemory::Map(fd_.get());
  KubeletLayout nodes_{Ownership{}, std::chrono::system_clock::now()};
  RequestRecovery recovery_{memory_, nodes_};
  RequestCounters counters_;
  SessionContext context_;
  OwnedFd kernel_;
  OwnedFd device_;
};

TEST_F(RequestRecoveryTest, AKernelThatCanSendsThemAgain) {
  SaveInit(Init(kHasResend));
  LeaveInSlot(0, Lookup(40));
  const auto session = Resume();
  EXPECT_THAT(Answers(), ElementsAre(0));
}

// Such a kernel refuses the notification, and whoever waits would do so for ever.
TEST_F(RequestRecoveryTest, WhereTheKernelCannotTheyAreFoundInTheSlots) {
  SaveInit(Init(0));
  LeaveInSlot(0, Lookup(40));
  LeaveInSlot(3, Lookup(44));
  memory_.header().slot[3].done = 44;
  const auto session = Resume();
  EXPECT_THAT(Answers(), ElementsAre(40));
}

TEST_F(RequestRecoveryTest, AnInitThatWasReadAndNotAnsweredIs) {
  for (const std::uint32_t flags2 : {0u, kHasResend}) {
    SaveInit(Init(flags2));
    LeaveInSlot(1, Init(flags2));
    memory_.header().slot[1].done = 0;
    {
      const auto session = Resume();
      EXPECT_THAT(Answers(), Contains(kInitUnique)) << flags2;
    }
    EXPECT_EQ(memory_.header().slot[1].done, kInitUnique);
    std::tie(kernel_, device_) = testing::SocketPair();
  }
}

TEST_F(RequestRecoveryTest, APoisonedRequestKeepsNoOtherWaiting) {
  SaveInit(Init(kHasResend));
  const auto session = Resume({40});
  Answers();
  const std::string poisoned = Lookup(40 | kResentBit);
  const std::string other = Lookup(42);
  ASSERT_EQ(send(kernel_.get(), poisoned.data(), poisoned.size(), 0),
            static_cast<ssize_t>(poisoned.size()));
  ASSERT_EQ(send(kernel_.get(), other.data(), other.size(), 0), static_cast<ssize_t>(other.size()));
  RequestBuffer buffer(0);
  // As the session loop does: nobody else is told of the second one.
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(session->ServeOne(buffer), KernelSession::Outcome::kServed) << i;
  }
  EXPECT_EQ(session->ServeOne(buffer), KernelSession::Outcome::kNothing);
  EXPECT_THAT(Answers(), ElementsAre(40 | kResentBit, 42));
}

// The kernel fills the room that it is given with FORGETs; what the caller cannot take is lost.
TEST_F(RequestRecoveryTest, NoMoreIsReadThanTheCallerHasRoomFor) {
  const std::string forgets = Request(FUSE_BATCH_FORGET, 40, std::string(9000, '\0'));
  ASSERT_EQ(send(kernel_.get(), forgets.data(), forgets.size(), 0),
            static_cast<ssize_t>(forgets.size()));
  std::string buffer(8192, '\0');
  request_in_work = {};
  EXPECT_EQ(recovery_.Read(device_.get(), buffer.data(), buffer.size()), 8192);
  recovery_.Finished();
  request_in_work = {};
}

}  // namespace
}  // namespace downwardfs
