// SPDX-License-Identifier: Apache-2.0
// The reflector's next request after one that is refused, held back or lost.
// Rules: client-go 0.37, tools/cache/reflector.go (watchList, list) and tools/pager.
#include <algorithm>
#include <vector>

#include "tests/client/watch/reflector_machine_fixture.h"

namespace downwardfs::client {
namespace {

ApiFailure BadAnswer() {
  ApiFailure failure;
  failure.error.code = ErrorCode::kInvalidArgument;
  failure.bad_answer = true;
  return failure;
}

ApiFailure Lost() {
  ApiFailure failure = Broken();
  failure.connection_lost = true;
  return failure;
}

TEST_F(ReflectorMachineTest, ARefusedStreamingListIsFollowedByAListAtOnce) {
  for (const int status : {401, 403, 404, 408, 409, 410, 500, 501, 502, 503, 504}) {
    for (const bool in_event : {false, true}) {
      ReflectorMachine machine = Make(true);
      ASSERT_TRUE(machine.Next(Now()).initial_events);
      if (in_event) machine.OnWatchStarted(Now());
      EXPECT_FALSE(in_event ? machine.OnErrorEvent(Status(status), Now())
                            : machine.OnWatchFailed(Status(status), Now()));
      EXPECT_EQ(Query(machine.Next(Now())), "?limit=500&resourceVersion=0") << status;
      EXPECT_TRUE(machine.OnPage(Meta("5"), Now()));
      EXPECT_FALSE(machine.Next(Now()).initial_events);
      machine.OnErrorEvent(Status(410), Now());
      EXPECT_TRUE(machine.Next(Now()).initial_events) << "it says nothing about the next one";
    }
  }
  ReflectorMachine machine = Make(true);
  (void)machine.Next(Now());
  EXPECT_FALSE(machine.OnWatchFailed(BadAnswer(), Now()));
  EXPECT_EQ(machine.Next(Now()).action, Action::kList);
}

// The list, too: then both wait.
TEST_F(ReflectorMachineTest, WhereTheListIsRefusedAsWellBothAreSlowedDown) {
  for (const int status : {403, 410, 500}) {
    ReflectorMachine machine = Make(true);
    int requests = 0;
    for (const auto end = Now() + seconds(60); Now() < end;) {
      const auto step = machine.Next(Now());
      if (step.action == Action::kWait) {
        clock_.Advance(step.until - Now());
        continue;
      }
      ++requests;
      if (step.action == Action::kList) {
        machine.OnListFailed(Status(status), Now());
      } else {
        machine.OnWatchFailed(Status(status), Now());
      }
    }
    EXPECT_LT(requests, 24) << status;
  }
}

TEST_F(ReflectorMachineTest, ABusyServerAndOneOutOfReachAreAskedForTheStreamAgain) {
  for (const ApiFailure& failure : {Status(429), Unreachable()}) {
    ReflectorMachine machine = Make(true);
    (void)machine.Next(Now());
    EXPECT_TRUE(machine.OnWatchFailed(failure, Now()));
    EXPECT_EQ(Delay(machine).count(), 400);
    clock_.Advance(seconds(1));
    EXPECT_TRUE(machine.Next(Now()).initial_events);
  }
}

TEST_F(ReflectorMachineTest, AnExpiredVersionIsLeftBeforeTheStream) {
  ReflectorMachine machine = Make(true);
  (void)machine.Next(Now());
  machine.OnWatchStarted(Now());
  EXPECT_EQ(machine.OnEvent(EventType::kBookmark, "905", true), Verdict::kListComplete);
  machine.OnErrorEvent(Status(500), Now());
  clock_.Advance(seconds(1));
  EXPECT_NE(Query(machine.Next(Now())).find("resourceVersion=905"), std::string::npos);
  machine.OnWatchFailed(Status(410), Now());
  const auto most_recent = machine.Next(Now());
  EXPECT_TRUE(most_recent.initial_events);
  EXPECT_EQ(Query(most_recent).find("resourceVersion="), std::string::npos);
  machine.OnWatchFailed(Status(410), Now());
  EXPECT_EQ(Query(machine.Next(Now())), "?limit=500");
}

TEST_F(ReflectorMachineTest, AStreamThatBreaksTwiceIsListed) {
  ReflectorMachine machine = Make(true);
  for (const bool told : {true, false}) {
    ASSERT_TRUE(machine.Next(Now()).initial_events);
    machine.OnWatchStarted(Now());
    EXPECT_EQ(machine.OnEvent(EventType::kAdded, "3", false), Verdict::kApply);
    EXPECT_EQ(machine.OnWatchFailed(Broken(), Now()), told);
    clock_.Advance(seconds(1));
  }
  EXPECT_EQ(machine.Next(Now()).action, Action::kList);
}

// A proxy that holds back all until the watch ends must see the end.
TEST_F(ReflectorMachineTest, NoLimitIsShorterThanTheTimeAskedFor) {
  ReflectorMachine without = Watching("5");
  without.OnWatchEnded(Now() + seconds(60));
  ReflectorMachine with = Watching("5");
  with.OnEvent(EventType::kBookmark, "6", false);
  with.OnWatchEnded(Now() + seconds(60));
  for (auto* machine : {&without, &with}) {
    const auto step = machine->Next(Now());
    const std::string query = Query(step);
    const seconds asked(std::stoi(query.substr(query.find("timeoutSeconds=") + 15)));
    EXPECT_GT(step.head_limit, asked);
    EXPECT_GT(step.total_limit, asked);
  }
}

TEST_F(ReflectorMachineTest, WhereWatchesAreHeldBackTheyAreShort) {
  ReflectorMachine machine = Make(false);
  (void)machine.Next(Now());
  EXPECT_TRUE(machine.OnPage(Meta("5"), Now()));
  (void)machine.Next(Now());
  clock_.Advance(seconds(60));
  machine.OnWatchStarted(Now());
  EXPECT_EQ(machine.OnEvent(EventType::kModified, "6", false), Verdict::kApply);
  machine.OnWatchEnded(Now());
  // Not slowed down: it ran its time, though its head was there for a moment only.
  EXPECT_EQ(Query(machine.Next(Now())),
            "?resourceVersion=6&allowWatchBookmarks=true&timeoutSeconds=20");
  machine.OnWatchStarted(Now());
  clock_.Advance(seconds(20));
  machine.OnWatchEnded(Now());
  EXPECT_TRUE(Query(machine.Next(Now())).ends_with("timeoutSeconds=60"));
}

// Watches that fail one after the other: how often lists are asked for within ten minutes.
struct Attempts {
  int lists = 0;
  int watches = 0;
};
Attempts WithinTenMinutes(ReflectorMachine& machine, FakeClock& clock, const ApiFailure& failure,
                          seconds each) {
  Attempts attempts;
  for (const auto end = clock.Steady() + seconds(600); clock.Steady() < end;) {
    const auto step = machine.Next(clock.Steady());
    if (step.action == Action::kWait) {
      clock.Advance(step.until - clock.Steady());
    } else if (step.action == Action::kList) {
      ++attempts.lists;
      EXPECT_TRUE(machine.OnPage(Meta("5"), clock.Steady()));
    } else {
      ++attempts.watches;
      clock.Advance(each);
      machine.OnWatchFailed(failure, clock.Steady());
    }
  }
  return attempts;
}

TEST_F(ReflectorMachineTest, WatchesThatFailAreFollowedByAListNowAndThen) {
  for (const auto& [failure, each] :
       {std::pair{Status(403), seconds(0)}, std::pair{Status(503), seconds(0)},
        std::pair{Status(504), seconds(60)}, std::pair{Broken(), seconds(25)},
        std::pair{Lost(), seconds(45)}, std::pair{Silence(), seconds(90)}}) {
    ReflectorMachine machine = Watching("5");
    const Attempts attempts = WithinTenMinutes(machine, clock_, failure, each);
    EXPECT_GE(attempts.lists, 4) << failure.status;   // the data is never minutes old
    EXPECT_LE(attempts.lists, 20) << failure.status;  // once in half a minute at most
  }
}

TEST_F(ReflectorMachineTest, AServerOutOfReachIsNotListed) {
  ReflectorMachine machine = Watching("5");
  const Attempts attempts = WithinTenMinutes(machine, clock_, Unreachable(), seconds(0));
  EXPECT_EQ(attempts.lists, 0);
  EXPECT_GT(attempts.watches, 20);
}

TEST_F(ReflectorMachineTest, AfterALostConnectionTheWatchGoesOn) {
  ReflectorMachine machine = Watching("5");
  clock_.Advance(seconds(45));
  EXPECT_TRUE(machine.OnWatchFailed(Lost(), Now()));
  clock_.Advance(seconds(1));
  EXPECT_EQ(machine.Next(Now()).action, Action::kWatch);
}

TEST_F(ReflectorMachineTest, AnExpiredPageMeansTheWholeListAtOnce) {
  for (const std::string from : {"0", ""}) {
    ReflectorMachine machine = Make(false);
    (void)machine.Next(Now());
    if (from.empty()) machine.OnListFailed(Status(410, "Expired"), Now());
    const std::string version = from.empty() ? "" : "resourceVersion=0";
    for (const int expected : {from.empty() ? 400 : 0, from.empty() ? 1600 : 800}) {
      EXPECT_EQ(Query(machine.Next(Now())), "?limit=500" + (from.empty() ? "" : "&" + version));
      EXPECT_FALSE(machine.OnPage(Meta("5", "t"), Now()));
      EXPECT_EQ(Query(machine.Next(Now())), "?limit=500&continue=t");
      machine.OnListFailed(Status(410, "Expired"), Now());
      EXPECT_EQ(Delay(machine).count(), expected);
      clock_.Advance(seconds(2));
      const auto whole = machine.Next(Now());
      EXPECT_EQ(Query(whole), from.empty() ? "" : "?" + version);
      EXPECT_TRUE(whole.first_page);
      // A server that cannot give all at once is asked for pages again, later.
      machine.OnListFailed(Broken(), Now());
      clock_.Advance(seconds(31));
    }
  }
}

TEST_F(ReflectorMachineTest, APageThatFailsTwiceIsNotAskedForAgain) {
  for (const ApiFailure& failure : {Status(500), Broken(), Status(404)}) {
    ReflectorMachine machine = Make(false);
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(Query(machine.Next(Now())), "?limit=500&resourceVersion=0");
      EXPECT_FALSE(machine.OnPage(Meta("5", "t"), Now()));
      machine.OnListFailed(failure, Now());
      clock_.Advance(seconds(31));
    }
    EXPECT_EQ(Query(machine.Next(Now())), "?resourceVersion=0");
    EXPECT_TRUE(machine.OnPage(Meta("5"), Now()));
    EXPECT_EQ(machine.Next(Now()).action, Action::kWatch);
  }
}

}  // namespace
}  // namespace downwardfs::client
