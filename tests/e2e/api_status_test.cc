// SPDX-License-Identifier: Apache-2.0
// The output of `status` at each moment of a mount's life: the server away and back, the pod
// deleted and made again.
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/e2e/api_fixture.h"

namespace downwardfs::testing {
namespace {

class ApiStatusTest : public ApiTest {
 protected:
  double Age() const { return std::atof(mount_.StatusField("dataAgeSeconds").c_str()); }
  bool Says(const std::string& field, const std::string& text) const {
    return Eventually([&] { return mount_.StatusField(field).find(text) != std::string::npos; });
  }
  void ExpectAllIsWell() const {
    EXPECT_TRUE(Says("connected", "true"));
    EXPECT_EQ(Age(), 0);
    EXPECT_EQ(mount_.StatusField("lastError"), "\"\"");
  }

  const Mounted mount_{Web({"--volume", "info"}), at_};
};

// With and without the server forgetting what changed meanwhile.
class ApiOutageTest : public ApiStatusTest, public ::testing::WithParamInterface<bool> {};

TEST_P(ApiOutageTest, TheAgeGrowsAndTheReasonStandsUntilAllIsWellAgain) {
  ASSERT_TRUE(mount_.ok());
  ExpectAllIsWell();
  server_->Stop();
  ASSERT_TRUE(Says("connected", "false"));
  EXPECT_LT(Age(), 10) << "an outage of a moment";
  EXPECT_TRUE(Says("lastError", "cannot connect"));
  for (double last = Age(); last < 2.5;) {
    EXPECT_EQ(mount_.StatusField("connected"), "false");
    EXPECT_THAT(mount_.StatusField("lastError"), HasSubstr(server_->url()));
    EXPECT_EQ(Slurp(mount_ / "tick"), "one");
    const double age = Age();
    EXPECT_GT(age, last);
    last = age;
  }
  Label("changed meanwhile");
  if (GetParam()) server_->Compact();
  server_->Start();
  // On a slow machine the outage was long, and the pause after its last attempt is up to 30 s.
  EXPECT_TRUE(Eventually([&] { return Slurp(mount_ / "tick") == "changed meanwhile"; },
                         std::chrono::seconds(60)));
  ExpectAllIsWell();
}

INSTANTIATE_TEST_SUITE_P(Compacted, ApiOutageTest, ::testing::Bool());

// The node's attempts have their own pace; what they met while the server was away is not to stand
// as its error after it is back.
TEST_F(ApiTest, TheNodeIsFollowedAgainAsSoonAsThePodIs) {
  const auto allocatable = [this](const std::string& memory) {
    server_->PutObject("nodes", "", "node1",
                       {"", R"("status":{"allocatable":{"memory":")" + memory + R"("}})"});
  };
  allocatable("64Mi");
  const Mounted mount(Web({"--volume", "limits"}), at_);
  ASSERT_TRUE(mount.ok());
  // So many that the node's next pause may be long.
  server_->Inject({ServerFault::Kind::kUnavailable, "watch nodes"}, 4);
  server_->Drop();
  ASSERT_TRUE(Eventually([&] { return server_->FaultsLeft() == 0; }));
  server_->Drop();
  allocatable("32Mi");
  EXPECT_TRUE(Shows("memory", "33554432"));
  EXPECT_TRUE(Eventually([&] { return mount.StatusField("lastError") == "\"\""; }));
}

// A watch that goes on at once would leave nothing to see.
TEST_F(ApiStatusTest, WhyAWatchBrokeCanBeReadAfterItGoesOn) {
  ASSERT_TRUE(mount_.ok());
  EXPECT_EQ(mount_.StatusField("lastFault"), "\"\"");
  EXPECT_EQ(mount_.StatusField("faults"), "0");
  server_->Drop();
  EXPECT_TRUE(Says("lastFault", "the connection broke"));
  EXPECT_TRUE(Says("connected", "true"));
  EXPECT_TRUE(Says("lastFault", "the connection broke"));
  EXPECT_NE(mount_.StatusField("faults"), "0");
  EXPECT_THAT(Downwardfs({"status", at_}).out, HasSubstr("\nlast fault:      https://"));
  ExpectAllIsWell();
}

TEST_F(ApiStatusTest, AWatchThatTheServerEndsIsNotCalledConnected) {
  ASSERT_TRUE(mount_.ok());
  // Each attempt is answered, and ended before it brought anything.
  server_->Inject({ServerFault::Kind::kUnavailable, "watch"}, 1000);
  server_->Drop();
  EXPECT_TRUE(Says("connected", "false"));
  EXPECT_TRUE(Says("lastError", "503"));
}

TEST_F(ApiStatusTest, ADeletedPodsContentStaysAndItsSuccessorIsAnother) {
  ASSERT_TRUE(mount_.ok());
  EXPECT_EQ(mount_.StatusField("podDeleted"), "false");
  server_->Delete("default", "web");
  ASSERT_TRUE(Says("podDeleted", "true"));
  ExpectAllIsWell();  // that the pod is gone is no fault of the server's
  EXPECT_EQ(Slurp(mount_ / "tick"), "one");
  for (const char* label : {"of another uid", "and its change"}) {
    Label(label);
    EXPECT_TRUE(server_->WaitForWatchers(1));
    EXPECT_EQ(mount_.StatusField("podDeleted"), "true");
    EXPECT_EQ(Slurp(mount_ / "tick"), "one");
  }
  EXPECT_THAT(Downwardfs({"status", at_}).out, HasSubstr("deleted; this is its last content"));
}

// A daemon that goes on while the server is away: what it shows is as old as it was before.
class ApiSuccessorTest : public ApiStatusTest {
 protected:
  void KillTheDaemonWhileTheServerIsAway() {
    ASSERT_TRUE(mount_.ok());
    if (mount_.StatusField("holderPid") == "null") GTEST_SKIP() << "only root's mounts go on";
    source_ = mount_.StatusField("source");
    server_->Stop();
    ASSERT_TRUE(Says("connected", "false"));
    // Longer than it takes to write the age down, so that the next daemon must know it.
    ASSERT_TRUE(Eventually([&] { return Age() >= 6; }, std::chrono::seconds(60)));
    ASSERT_EQ(kill(mount_.DaemonPid(), SIGKILL), 0);
    ASSERT_TRUE(Eventually([&] { return mount_.StatusField("generation") == "2"; }));
  }
  std::string source_;
};

TEST_F(ApiSuccessorTest, TellsTheTruthWhileTheServerIsAway) {
  KillTheDaemonWhileTheServerIsAway();
  if (IsSkipped() || HasFatalFailure()) return;
  EXPECT_TRUE(Says("lastError", "cannot connect"));
  EXPECT_EQ(mount_.StatusField("source"), source_);
  EXPECT_EQ(mount_.StatusField("pod"), "\"default/web\"");
  EXPECT_EQ(mount_.StatusField("connected"), "false");
  EXPECT_GE(Age(), 4) << "counted from the new daemon's start";
  EXPECT_EQ(Slurp(mount_ / "tick"), "one");
  Label("two");
  server_->Start();
  EXPECT_TRUE(Shows("tick", "two"));
  ExpectAllIsWell();
}

TEST_F(ApiSuccessorTest, KnowsThatThePodIsGone) {
  KillTheDaemonWhileTheServerIsAway();
  if (IsSkipped() || HasFatalFailure()) return;
  server_->Delete("default", "web");
  server_->Start();
  EXPECT_TRUE(Says("podDeleted", "true"));
  ExpectAllIsWell();
  Label("of another uid");
  EXPECT_TRUE(server_->WaitForWatchers(1));
  EXPECT_EQ(mount_.StatusField("podDeleted"), "true");
  EXPECT_EQ(Slurp(mount_ / "tick"), "one");
}

TEST_F(ApiSuccessorTest, FindsTheServerThoughTheHolderHasDied) {
  KillTheDaemonWhileTheServerIsAway();
  if (IsSkipped() || HasFatalFailure()) return;
  const int daemon = mount_.DaemonPid();
  ASSERT_EQ(kill(std::atoi(mount_.StatusField("holderPid").c_str()), SIGKILL), 0);
  Label("two");
  server_->Start();
  EXPECT_TRUE(Shows("tick", "two"));
  EXPECT_TRUE(Says("connected", "true"));
  EXPECT_TRUE(Says("lastError", "the holder is gone"));
  EXPECT_EQ(mount_.DaemonPid(), daemon);
  // Nobody is left who would tell it of the unmounting.
  EXPECT_EQ(umount2(at_.c_str(), MNT_DETACH), 0);
  EXPECT_EQ(kill(daemon, SIGTERM), 0);
  EXPECT_TRUE(Eventually([&] { return kill(daemon, 0) != 0; }));
}

TEST_F(ApiStatusTest, APodMadeAgainWhileTheServerWasAwayIsAnother) {
  ASSERT_TRUE(mount_.ok());
  server_->Stop();
  server_->Delete("default", "web");
  Label("of another uid");
  server_->Compact();
  server_->Start();
  ASSERT_TRUE(Says("podDeleted", "true"));
  EXPECT_TRUE(Says("connected", "true"));
  EXPECT_EQ(Slurp(mount_ / "tick"), "one");
}

TEST_F(ApiStatusTest, APodDeletedWhileTheServerWasAwayIsKnownToBeGone) {
  ASSERT_TRUE(mount_.ok());
  server_->Stop();
  server_->Delete("default", "web");
  EXPECT_TRUE(Says("connected", "false"));
  EXPECT_EQ(mount_.StatusField("podDeleted"), "false");  // nobody has told us
  server_->Start();
  ASSERT_TRUE(Says("podDeleted", "true"));
  EXPECT_EQ(Slurp(mount_ / "tick"), "one");
}

}  // namespace
}  // namespace downwardfs::testing
