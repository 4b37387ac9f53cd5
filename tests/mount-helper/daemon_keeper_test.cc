// SPDX-License-Identifier: Apache-2.0
// How a daemon is kept alive, without any process: the clock is turned by hand, and the test is the
// daemon at the other end of the channel.
#include "mount-helper/daemon_keeper.h"

#include <gmock/gmock.h>
#include <linux/fuse.h>
#include <sys/socket.h>

#include <csignal>
#include <cstring>
#include <utility>

#include "mount-helper/handover_memory.h"
#include "mount-helper/message_channel.h"
#include "tests/fakes/fake_clock.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Next = DaemonKeeper::Next;

constexpr milliseconds kWatchdog{4000};
constexpr int kCrash = SIGSEGV;  // as waitpid(2) says it
constexpr int kExit = 7 << 8;    // exit(7)
constexpr int kKilledByOthers = SIGKILL;

class FakeProcesses final : public DaemonProcesses {
 public:
  Result<Started> Start() override {
    if (refuses) return Fail(ErrorCode::kResourceExhausted, "fork");
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
      return Fail(ErrorCode::kInternal, "socketpair");
    }
    daemon.Reset(ends[1]);
    return Started{++last, OwnedFd(ends[0])};
  }
  void Kill(pid_t pid) override { killed.push_back(pid); }
  bool IsDying(pid_t pid) override { return pid == dying; }
  int End(pid_t pid) override {
    ended.push_back(pid);
    return 5;
  }

  bool refuses = false;
  pid_t last = 0;
  pid_t dying = 0;
  OwnedFd daemon;  // the present one's end of the channel
  std::vector<pid_t> killed;
  std::vector<pid_t> ended;
};

class DaemonKeeperTest : public ::testing::Test, public DaemonKeeper::Owner {
 protected:
  void Attach() override {
    message::Attach attach;
    attach.figures = keeper_.figures();
    attach.unserved_since = keeper_.unserved_since();
    attach.mount.memory = Duplicate(memory_);
    attach.mount.poison = keeper_.Poison("volume");
    EXPECT_TRUE(SendMessage(keeper_.channel(), attach));
  }
  void Take(HolderMessage& message) override { taken_.push_back(message.index()); }
  Next Ended(const DaemonKeeper::End& end) override {
    ends_.push_back(end);
    return next_;
  }
  bool SignsExpected() const override { return signs_expected_; }
  std::map<std::string, int> Memories() const override { return {{"volume", memory_.get()}}; }

  template <class Message>
  void Say(const Message& message) {
    ASSERT_TRUE(SendMessage(processes_.daemon.get(), message));
    keeper_.TakeMessage();
  }
  // Says hello; what the daemon is told.
  message::Attach Hello() {
    Say(message::Hello());
    auto told = ReceiveMessage(processes_.daemon.get());
    EXPECT_TRUE(told && std::holds_alternative<message::Attach>(*told));
    return told ? std::move(std::get<message::Attach>(*told)) : message::Attach();
  }
  void StartAndServe() {
    ASSERT_TRUE(keeper_.Start());
    Say(message::Hello());
    Say(message::Serving());
  }
  // Sleeps as poll(2) would, and does what is due then.
  void AwaitTimer() {
    ASSERT_GE(keeper_.WaitTime(), 0);
    clock_.Advance(milliseconds(keeper_.WaitTime()));
    keeper_.CheckTimers();
  }
  // A request that the daemon was working on when it died.
  void Leave(std::uint64_t unique) {
    const auto memory = HandoverMemory::Map(memory_.get());
    ASSERT_TRUE(memory);
    fuse_in_header header = {};
    header.unique = unique;
    std::memcpy(memory->slot(0), &header, sizeof header);
    memory->header().slot[0].working = unique;
  }

  FakeClock clock_;
  FakeProcesses processes_;
  const OwnedFd memory_ = *HandoverMemory::Create();
  DaemonKeeper keeper_{processes_, *this, kWatchdog, clock_};
  bool signs_expected_ = true;
  Next next_ = Next::kAnother;
  std::vector<std::size_t> taken_;
  std::vector<DaemonKeeper::End> ends_;
};

TEST_F(DaemonKeeperTest, ADaemonThatSaysHelloIsToldWhatThereIs) {
  ASSERT_TRUE(keeper_.Start());
  EXPECT_TRUE(keeper_.running());
  EXPECT_FALSE(keeper_.serves());
  const message::Attach attach = Hello();
  EXPECT_EQ(attach.figures.generation, 1u);
  EXPECT_FALSE(attach.unserved_since);
  Say(message::Serving());
  EXPECT_TRUE(keeper_.serves());
  Say(message::MountNow{"x"});
  EXPECT_EQ(taken_.size(), 1u);
  EXPECT_THAT(processes_.killed, IsEmpty());
}

TEST_F(DaemonKeeperTest, ADaemonOfAnotherProtocolIsEnded) {
  ASSERT_TRUE(keeper_.Start());
  Say(message::Hello{kHolderProtocol + 1});
  EXPECT_THAT(processes_.killed, ElementsAre(1));
  EXPECT_EQ(ReceiveMessage(processes_.daemon.get()).error().code, ErrorCode::kUnavailable);
}

TEST_F(DaemonKeeperTest, ADaemonThatTalksNonsenseIsEnded) {
  ASSERT_TRUE(keeper_.Start());
  ASSERT_EQ(send(processes_.daemon.get(), "#!", 2, 0), 2);
  keeper_.TakeMessage();
  EXPECT_EQ(keeper_.channel(), -1);
  EXPECT_THAT(processes_.killed, ElementsAre(1));
}

TEST_F(DaemonKeeperTest, TheNextOneStartsAtOnceAndIsToldSinceWhenNobodyServes) {
  StartAndServe();
  clock_.Advance(seconds(60));
  const auto died = clock_.Steady();
  keeper_.Ended(kCrash);
  EXPECT_FALSE(keeper_.running());
  EXPECT_EQ(keeper_.WaitTime(), 0);
  keeper_.CheckTimers();
  EXPECT_EQ(keeper_.pid(), 2);
  EXPECT_EQ(Hello().unserved_since, died);
  clock_.Advance(milliseconds(30));
  Say(message::Serving());
  EXPECT_EQ(keeper_.figures().deaths, 1u);
  EXPECT_EQ(keeper_.figures().last_handover_us, 30000u);
  EXPECT_EQ(keeper_.figures().longest_handover_us, 30000u);
  EXPECT_FALSE(keeper_.unserved_since());
}

TEST_F(DaemonKeeperTest, ACrashLoopIsSlowedAlsoIfEachDaemonServed) {
  StartAndServe();
  int longest = 0;
  for (int i = 0; i < RestartBackoff::kQuickRestarts + 20; ++i) {
    keeper_.Ended(kExit);
    longest = std::max(longest, keeper_.WaitTime());
    AwaitTimer();
    Say(message::Serving());
  }
  EXPECT_EQ(longest, RestartBackoff::kLongestPause.count());
  // A daemon that lives for long ends the row.
  clock_.Advance(RestartBackoff::kLivedWell);
  keeper_.Ended(kExit);
  EXPECT_EQ(keeper_.WaitTime(), 0);
}

TEST_F(DaemonKeeperTest, OneThatSomebodyKillsIsStartedAtOnce) {
  StartAndServe();
  for (int i = 0; i < RestartBackoff::kQuickRestarts + 20; ++i) {
    keeper_.Ended(kKilledByOthers);
    ASSERT_EQ(keeper_.WaitTime(), 0);
    AwaitTimer();
    Say(message::Serving());
  }
}

TEST_F(DaemonKeeperTest, ADaemonThatCannotBeStartedIsTriedAgainLater) {
  StartAndServe();
  keeper_.Ended(kCrash);
  processes_.refuses = true;
  keeper_.CheckTimers();
  EXPECT_FALSE(keeper_.running());
  EXPECT_EQ(keeper_.WaitTime(), RestartBackoff::kLongestPause.count());
  processes_.refuses = false;
  AwaitTimer();
  EXPECT_TRUE(keeper_.running());
}

TEST_F(DaemonKeeperTest, TheWatchdogEndsADaemonThatGivesNoSignOfLife) {
  StartAndServe();
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(kWatchdog - milliseconds(1));
    Say(message::Alive());
    keeper_.CheckTimers();
  }
  EXPECT_THAT(processes_.killed, IsEmpty());
  const auto last_sign = clock_.Steady();
  while (processes_.killed.empty()) AwaitTimer();
  EXPECT_EQ(clock_.Steady(), last_sign + kWatchdog);
  // Nobody has served since then, not only since it could be reaped.
  clock_.Advance(seconds(2));
  keeper_.Ended(SIGKILL);
  EXPECT_EQ(keeper_.unserved_since(), last_sign);
}

TEST_F(DaemonKeeperTest, ADaemonThatStartsHasMoreTimeThanOneThatServes) {
  ASSERT_TRUE(keeper_.Start());
  clock_.Advance(seconds(10) - milliseconds(1));
  keeper_.CheckTimers();
  EXPECT_THAT(processes_.killed, IsEmpty());
  clock_.Advance(milliseconds(1));
  keeper_.CheckTimers();
  EXPECT_THAT(processes_.killed, ElementsAre(1));
}

TEST_F(DaemonKeeperTest, NoSignOfLifeIsAskedForBeforeTheOwnerExpectsOne) {
  signs_expected_ = false;
  ASSERT_TRUE(keeper_.Start());
  EXPECT_EQ(keeper_.WaitTime(), -1);
  clock_.Advance(seconds(1000));
  keeper_.CheckTimers();
  EXPECT_THAT(processes_.killed, IsEmpty());
}

// Its main thread is dead, but another thread hangs in the kernel, so nobody can reap it. The rest
// of it is killed and fenced off before the next one starts.
TEST_F(DaemonKeeperTest, ADaemonThatIsDeadButCannotBeReapedIsKilledThenGivenUp) {
  StartAndServe();
  auto memory = HandoverMemory::Claim(memory_.get());
  ASSERT_TRUE(memory);
  processes_.dying = 1;
  while (processes_.killed.empty()) AwaitTimer();
  EXPECT_THAT(processes_.killed, ElementsAre(1));
  EXPECT_TRUE(ends_.empty());
  EXPECT_NE(memory->header().owner, 0u);
  AwaitTimer();
  ASSERT_EQ(ends_.size(), 1u);
  EXPECT_EQ(ends_[0].status, SIGKILL);
  EXPECT_EQ(memory->header().owner, 0u);
  keeper_.CheckTimers();
  EXPECT_EQ(keeper_.pid(), 2);
}

TEST_F(DaemonKeeperTest, NoDaemonStartsBesideOneThatIsBeingKilled) {
  StartAndServe();
  keeper_.Replace();
  clock_.Advance(DaemonKeeper::kDeathTakes - milliseconds(1));
  keeper_.CheckTimers();
  EXPECT_EQ(keeper_.pid(), 1);
  EXPECT_EQ(processes_.last, 1);
  clock_.Advance(milliseconds(1));
  keeper_.CheckTimers();  // it hangs in the kernel
  keeper_.CheckTimers();
  EXPECT_EQ(keeper_.pid(), 2);
}

// A daemon can write what it likes into the memory. No word of it has another one started.
TEST_F(DaemonKeeperTest, NothingInTheMemorySaysThatADaemonIsDead) {
  StartAndServe();
  const auto memory = HandoverMemory::Map(memory_.get());
  ASSERT_TRUE(memory);
  HandoverHeader& header = memory->header();
  std::memset(header.unused, 0xff, sizeof header.unused);
  header.owner = 0;
  for (int i = 0; i < 20; ++i) {
    clock_.Advance(kWatchdog / 2);
    Say(message::Alive());
    keeper_.CheckTimers();
  }
  EXPECT_EQ(processes_.last, 1);
  EXPECT_TRUE(ends_.empty());
}

TEST_F(DaemonKeeperTest, OnlyADeathOfItsOwnCountsAgainstWhatADaemonRead) {
  StartAndServe();
  const auto memory = HandoverMemory::Map(memory_.get());
  ASSERT_TRUE(memory);
  for (const auto& [status, counted] : {std::pair{kCrash, 1u}, {kKilledByOthers, 0u}}) {
    ASSERT_TRUE(memory->BeginReading());
    keeper_.Ended(status);
    EXPECT_EQ(memory->header().readers_lost, counted);
    keeper_.CheckTimers();
    Say(message::Serving());
  }
}

TEST_F(DaemonKeeperTest, AnUpgradeIsNoDeath) {
  StartAndServe();
  keeper_.Replace();
  EXPECT_THAT(processes_.killed, ElementsAre(1));
  keeper_.Ended(SIGKILL);
  EXPECT_EQ(keeper_.WaitTime(), 0);
  keeper_.CheckTimers();
  EXPECT_EQ(keeper_.figures().generation, 2u);
  EXPECT_EQ(keeper_.figures().deaths, 0u);
}

TEST_F(DaemonKeeperTest, ADaemonOfTheProgramBeforeIsTakenOverAndReplaced) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
  const OwnedFd daemon(ends[1]);
  keeper_.TakeOver(77, OwnedFd(ends[0]), {9, 3, 100, 200});
  EXPECT_THAT(processes_.killed, ElementsAre(77));
  keeper_.Ended(SIGKILL);
  keeper_.CheckTimers();
  const message::Attach attach = Hello();
  EXPECT_EQ(attach.figures.generation, 10u);
  EXPECT_EQ(attach.figures.deaths, 3u);
  EXPECT_EQ(attach.figures.longest_handover_us, 200u);
}

TEST_F(DaemonKeeperTest, AProgramThatTakesOverWithoutADaemonStartsOne) {
  keeper_.TakeOver(0, OwnedFd(), {});
  EXPECT_EQ(keeper_.WaitTime(), 0);
  keeper_.CheckTimers();
  EXPECT_TRUE(keeper_.running());
}

TEST_F(DaemonKeeperTest, ARequestThatDaemonsDieOfIsGivenUpAfterTheThird) {
  StartAndServe();
  for (int death = 1; death <= 3; ++death) {
    Leave(40);
    keeper_.Ended(kCrash);
    keeper_.CheckTimers();
    const message::Attach attach = Hello();
    if (death < 3) {
      EXPECT_THAT(attach.mount.poison, IsEmpty());
    } else {
      EXPECT_THAT(attach.mount.poison, ElementsAre(40));
    }
  }
  keeper_.ForgetDeaths("volume");
  EXPECT_THAT(keeper_.Poison("volume"), IsEmpty());
}

TEST_F(DaemonKeeperTest, DeathsBelongToTheMemoryThatTheyWereCountedIn) {
  StartAndServe();
  for (int death = 0; death < 3; ++death) {
    Leave(40);
    keeper_.Ended(kCrash);
    keeper_.CheckTimers();
  }
  next_ = Next::kAnew;
  keeper_.Ended(3 << 8);
  EXPECT_THAT(keeper_.Poison("volume"), IsEmpty());
}

TEST_F(DaemonKeeperTest, TheLastWordsOfADaemonAreHeard) {
  StartAndServe();
  ASSERT_TRUE(SendMessage(processes_.daemon.get(), message::Alive()));
  ASSERT_TRUE(SendMessage(processes_.daemon.get(), message::Stop()));
  next_ = Next::kNobody;
  keeper_.Ended(0);
  ASSERT_EQ(ends_.size(), 1u);
  EXPECT_TRUE(ends_[0].asked_to_end);
  EXPECT_EQ(keeper_.WaitTime(), -1);
  clock_.Advance(seconds(1000));
  keeper_.CheckTimers();
  EXPECT_FALSE(keeper_.running());
}

TEST_F(DaemonKeeperTest, EndingForGoodStartsNoOther) {
  StartAndServe();
  EXPECT_EQ(keeper_.EndForGood(), 5);
  EXPECT_THAT(processes_.ended, ElementsAre(1));
  clock_.Advance(seconds(1000));
  keeper_.CheckTimers();
  EXPECT_FALSE(keeper_.running());
  EXPECT_EQ(keeper_.EndForGood(), 1);
}

}  // namespace
}  // namespace downwardfs
