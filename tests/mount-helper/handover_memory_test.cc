// SPDX-License-Identifier: Apache-2.0
// The header of the handover memory: what is refused, and that one daemon has it at a time.
#include "mount-helper/handover_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace downwardfs {
namespace {

TEST(HandoverMemoryTest, AMemoryThatDoesNotFitIsRefused) {
  const OwnedFd good = *HandoverMemory::Create();
  const auto refused = [&](const std::function<void(HandoverHeader&)>& damage) {
    const OwnedFd fd = *HandoverMemory::Create();
    damage(HandoverMemory::Map(fd.get())->header());
    return !HandoverMemory::Map(fd.get());
  };
  EXPECT_TRUE(HandoverMemory::Map(good.get()));
  EXPECT_TRUE(refused([](HandoverHeader& header) { header.magic = 1; }));
  EXPECT_TRUE(refused([](HandoverHeader& header) { header.format = kHandoverFormat + 1; }));
  EXPECT_TRUE(refused([](HandoverHeader& header) { header.area_bytes = 1; }));
  EXPECT_TRUE(refused([](HandoverHeader& header) { header.current = 2; }));
  EXPECT_TRUE(refused([](HandoverHeader& header) { header.init_size = 1000; }));
  EXPECT_TRUE(refused([](HandoverHeader& header) { header.area[1].used = kAreaBytes + 1; }));
  EXPECT_TRUE(refused([](HandoverHeader& header) { header.lost = 1; }));
  const OwnedFd other(memfd_create("other", MFD_CLOEXEC));
  EXPECT_FALSE(HandoverMemory::Map(other.get()));
  EXPECT_NE(ftruncate(good.get(), 0), 0);  // sealed
}

// Runs what a daemon does with a handover memory in a process of its own; how it ended.
int StatusOf(const std::function<void(int fd)>& daemon) {
  const OwnedFd fd = *HandoverMemory::Create();
  const pid_t child = fork();
  if (child == 0) {
    daemon(fd.get());
    _exit(0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(HandoverMemoryTest, ADaemonEndsAtItsNextStepWhenAnotherOneHasTheMemory) {
  EXPECT_EQ(StatusOf([](int fd) {
              const auto first = HandoverMemory::Claim(fd);
              first->Prove();
              const auto next = HandoverMemory::Claim(fd);
              next->Prove();
              first->Prove();
            }),
            4);
}

TEST(HandoverMemoryTest, ADaemonEndsAtItsNextStepWhenItIsGivenUp) {
  EXPECT_EQ(StatusOf([](int fd) {
              const auto daemon = HandoverMemory::Claim(fd);
              HandoverMemory::FenceOff(fd, /*blameless=*/true);
              daemon->Prove();
            }),
            4);
}

TEST(HandoverMemoryTest, WhoeverOnlyLooksProvesNothing) {
  EXPECT_EQ(StatusOf([](int fd) {
              const auto looker = HandoverMemory::Map(fd);
              const auto daemon = HandoverMemory::Claim(fd);
              looker->Prove();
            }),
            0);
}

TEST(HandoverMemoryTest, AMemoryThatDaemonsDieOfIsRefusedByTheNext) {
  const OwnedFd fd = *HandoverMemory::Create();
  const HandoverMemory memory = *HandoverMemory::Map(fd.get());
  for (std::uint32_t i = 0; i < HandoverMemory::kMostReadersLost; ++i) {
    EXPECT_TRUE(memory.BeginReading()) << i;
    HandoverMemory::FenceOff(fd.get(), /*blameless=*/false);
  }
  const auto refused = memory.BeginReading();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(refused.error().message,
            "the handover memory does not fit: 3 daemons have died while they read it");
  HandoverMemory::FenceOff(fd.get(), /*blameless=*/true);
  EXPECT_TRUE(memory.BeginReading());
  memory.EndReading();
  EXPECT_EQ(memory.header().readers_lost, 0u);
}

TEST(HandoverMemoryTest, AFileThatIsNoMemoryIsNotFencedOff) {
  const OwnedFd other(memfd_create("other", MFD_CLOEXEC));
  HandoverMemory::FenceOff(other.get(), false);  // and does not fault
  HandoverMemory::FenceOff(-1, false);
}

}  // namespace
}  // namespace downwardfs
