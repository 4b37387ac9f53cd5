// SPDX-License-Identifier: Apache-2.0
// When the reflector asks again, how long it waits, and what silence means.
#include "tests/client/watch/reflector_machine_fixture.h"

namespace downwardfs::client {
namespace {

// A list must not stall for as long as a watch may have nothing to say.
TEST_F(ReflectorMachineTest, SilenceAfterAStreamingListIsNoFailure) {
  ReflectorMachine machine = Make(true);
  EXPECT_EQ(machine.Next(Now()).idle_limit, seconds(10));
  machine.OnWatchStarted(Now());
  EXPECT_EQ(machine.OnEvent(EventType::kBookmark, "905", true), Verdict::kListComplete);
  clock_.Advance(seconds(10));
  EXPECT_FALSE(machine.OnWatchFailed(Silence(), Now()));
  const auto step = machine.Next(Now());
  // Nor does the bookmark that ends the list promise others: in silence there is nothing wrong.
  EXPECT_EQ(Query(step), "?resourceVersion=905&allowWatchBookmarks=true&timeoutSeconds=60");
  EXPECT_EQ(step.idle_limit, seconds(0));
  machine.OnWatchStarted(Now());
  clock_.Advance(seconds(60));
  machine.OnWatchEnded(Now());
  EXPECT_EQ(Query(machine.Next(Now())), Query(step));
}

// A proxy that ends all that lasts half a minute: one list shows that nothing was missed.
TEST_F(ReflectorMachineTest, AServerThatEndsWatchesEarlyIsNotListedEachTime) {
  ReflectorMachine machine = Watching("5");
  int lists = 0;
  for (int i = 0; i < 10; ++i) {
    auto step = machine.Next(Now());
    if (step.action == ReflectorMachine::Action::kList) {
      ++lists;
      ListMeta meta;
      meta.resource_version = "5";
      EXPECT_TRUE(machine.OnPage(meta, Now()));
      step = machine.Next(Now());
    }
    ASSERT_EQ(step.action, ReflectorMachine::Action::kWatch);
    machine.OnWatchStarted(Now());
    clock_.Advance(seconds(30));
    machine.OnWatchEnded(Now());
  }
  EXPECT_EQ(lists, 1);
}

// Watches of a minute never run for two.
TEST_F(ReflectorMachineTest, AWatchThatRunsItsTimeForgetsFailures) {
  ReflectorMachine machine = WatchingAfterFailures(5);
  machine.OnWatchStarted(Now());
  clock_.Advance(seconds(60));
  machine.OnWatchEnded(Now());
  (void)machine.Next(Now());
  machine.OnWatchFailed(Broken(), Now());
  EXPECT_EQ(Delay(machine).count(), 400);
}

TEST_F(ReflectorMachineTest, AnErrorEventAfterAStreamingListIsNotAnsweredAtOnce) {
  ReflectorMachine machine = Make(true);
  (void)machine.Next(Now());
  machine.OnWatchStarted(Now());
  EXPECT_EQ(machine.OnEvent(EventType::kBookmark, "905", true), Verdict::kListComplete);
  ApiFailure late = Status(408);
  late.error.code = ErrorCode::kDeadlineExceeded;
  machine.OnErrorEvent(late, Now());
  EXPECT_GT(Delay(machine).count(), 0);
}

TEST_F(ReflectorMachineTest, BackOffDoublesToHalfAMinuteWithFullJitter) {
  ReflectorMachine machine = Make(false);
  random_ = 0.999999;
  for (const int expected : {799, 1599, 3199, 6399, 12799, 25599, 29999, 29999}) {
    (void)machine.Next(Now());
    machine.OnListFailed(Broken(), Now());
    EXPECT_EQ(Delay(machine).count(), expected);
    clock_.Advance(seconds(31));
  }
  random_ = 0;
  machine.OnListFailed(Broken(), Now());
  EXPECT_EQ(Delay(machine).count(), 0);
}

TEST_F(ReflectorMachineTest, TwoGoodMinutesForgetFailures) {
  for (const auto& [good, expected] :
       {std::pair{seconds(119), 12800}, std::pair{seconds(120), 400}}) {
    ReflectorMachine machine = WatchingAfterFailures(5);
    machine.OnWatchStarted(Now());
    clock_.Advance(good);
    machine.OnWatchFailed(Broken(), Now());
    EXPECT_EQ(Delay(machine).count(), expected);
  }
}

TEST_F(ReflectorMachineTest, RetryAfterIsHonouredUpToFiveMinutes) {
  ReflectorMachine machine = Make(false);
  ApiFailure failure = Status(429);
  failure.retry_after = seconds(17);
  machine.OnListFailed(failure, Now());
  EXPECT_EQ(Delay(machine), seconds(17));
  clock_.Advance(seconds(17));
  failure.retry_after = seconds(86400);
  machine.OnListFailed(failure, Now());
  EXPECT_EQ(Delay(machine), seconds(300));
}

TEST_F(ReflectorMachineTest, WhoIsToldThatTheServerAnswersDoesNotWaitOutItsBackOff) {
  ReflectorMachine machine = Make(false);
  machine.OnListFailed(Broken(), Now());
  EXPECT_GT(Delay(machine).count(), 0);
  machine.Hurry();
  EXPECT_EQ(machine.Next(Now()).action, Action::kList);
  ApiFailure busy = Status(429);
  busy.retry_after = seconds(17);
  machine.OnListFailed(busy, Now());
  machine.Hurry();
  EXPECT_EQ(Delay(machine), seconds(17));  // that was the server's own wish
}

// One 410 an hour is no server that cannot do better, even if the object never changes.
TEST_F(ReflectorMachineTest, A410AfterAWatchThatRanIsAnsweredAtOnce) {
  for (const auto& [ran, expected] : {std::pair{seconds(4), 400}, std::pair{seconds(5), 0}}) {
    ReflectorMachine machine = Watching("5");
    machine.OnErrorEvent(Status(410, "Expired"), Now());
    EXPECT_EQ(Delay(machine).count(), 0);
    EXPECT_TRUE(machine.OnPage(Meta("9"), Now()));
    (void)machine.Next(Now());
    machine.OnWatchStarted(Now());
    clock_.Advance(ran);
    machine.OnErrorEvent(Status(410, "Expired"), Now());
    EXPECT_EQ(Delay(machine).count(), expected);
  }
}

TEST_F(ReflectorMachineTest, WatchesThatEndAtOnceAreSlowedDown) {
  ReflectorMachine machine = Watching("5");
  machine.OnWatchEnded(Now());
  EXPECT_EQ(Delay(machine).count(), 400);
  clock_.Advance(seconds(1));
  (void)machine.Next(Now());
  machine.OnWatchStarted(Now());
  clock_.Advance(seconds(400));
  machine.OnWatchEnded(Now());
  EXPECT_EQ(Delay(machine).count(), 0);
}

TEST_F(ReflectorMachineTest, SilenceIsSuspiciousOnceBookmarksCame) {
  ReflectorMachine machine = Watching("5");
  EXPECT_EQ(machine.OnEvent(EventType::kBookmark, "6", false), Verdict::kNothing);
  clock_.Advance(seconds(60));
  machine.OnWatchEnded(Now());
  const auto step = machine.Next(Now());
  EXPECT_EQ(step.idle_limit, seconds(150));
  EXPECT_EQ(Query(step), "?resourceVersion=6&allowWatchBookmarks=true&timeoutSeconds=450");
}

// If nothing happens in the whole cluster, there are no bookmarks either.
TEST_F(ReflectorMachineTest, SilenceInSpiteOfBookmarksMeansALookAndShortWatches) {
  ReflectorMachine machine = Watching("5");
  EXPECT_EQ(machine.OnEvent(EventType::kBookmark, "6", false), Verdict::kNothing);
  clock_.Advance(seconds(60));
  machine.OnWatchEnded(Now());
  (void)machine.Next(Now());
  machine.OnWatchStarted(Now());
  clock_.Advance(seconds(150));
  EXPECT_TRUE(machine.OnWatchFailed(Silence(), Now()));
  clock_.Advance(seconds(1));
  EXPECT_EQ(Query(machine.Next(Now())), "?resourceVersion=6&resourceVersionMatch=NotOlderThan");
  EXPECT_TRUE(machine.OnPage(Meta("6"), Now()));
  for (int i = 0; i < 3; ++i) {
    const auto step = machine.Next(Now());
    EXPECT_EQ(Query(step), "?resourceVersion=6&allowWatchBookmarks=true&timeoutSeconds=60");
    EXPECT_EQ(step.idle_limit.count(), 0);
    machine.OnWatchStarted(Now());
    clock_.Advance(seconds(60));
    machine.OnWatchEnded(Now());
  }
}

// A restored server says nothing to a watch from a version that it has not reached.
TEST_F(ReflectorMachineTest, ARestoredServersSilenceMeansARelist) {
  // After silence where bookmarks came before, and after a connection that broke where none did.
  for (const bool bookmarks : {true, false}) {
    ReflectorMachine machine = Watching("500");
    if (bookmarks) machine.OnEvent(EventType::kBookmark, "501", false);
    clock_.Advance(seconds(10));
    machine.OnWatchFailed(Broken(), Now());
    clock_.Advance(seconds(1));
    const auto step = machine.Next(Now());
    EXPECT_EQ(step.action, Action::kWatch);
    machine.OnWatchStarted(Now());
    if (bookmarks) {
      clock_.Advance(seconds(150));
      machine.OnWatchFailed(Silence(), Now());
      clock_.Advance(seconds(1));
    } else {
      clock_.Advance(seconds(60));
      machine.OnWatchEnded(Now());
    }
    EXPECT_EQ(Query(machine.Next(Now())), std::string("?resourceVersion=") +
                                              (bookmarks ? "501" : "500") +
                                              "&resourceVersionMatch=NotOlderThan");
    ApiFailure too_large = Status(504, "Timeout");
    too_large.version_too_large = true;
    machine.OnListFailed(too_large, Now());
    EXPECT_EQ(Query(machine.Next(Now())), "?limit=500");
  }
}

TEST_F(ReflectorMachineTest, AWatchThatWasNotAcceptedInItsTimeMeansALook) {
  ReflectorMachine machine = Make(false);
  EXPECT_TRUE(machine.OnPage(Meta("5"), Now()));
  (void)machine.Next(Now());
  clock_.Advance(seconds(90));
  EXPECT_TRUE(machine.OnWatchFailed(Silence(), Now()));
  clock_.Advance(seconds(1));
  EXPECT_EQ(Query(machine.Next(Now())), "?resourceVersion=5&resourceVersionMatch=NotOlderThan");
}

// A loop is one whatever goes on within it.
TEST_F(ReflectorMachineTest, WhatEndsAtOnceIsSlowedDownEvenIfItBroughtSomething) {
  ReflectorMachine ended = Watching("5");
  EXPECT_EQ(ended.OnEvent(EventType::kModified, "6", false), Verdict::kApply);
  ended.OnWatchEnded(Now());
  EXPECT_EQ(Delay(ended).count(), 400);

  ReflectorMachine expired = Watching("5");
  for (const int expected : {0, 400, 800}) {
    EXPECT_EQ(expired.OnEvent(EventType::kModified, "6", false), Verdict::kApply);
    expired.OnErrorEvent(Status(410, "Expired"), Now());
    EXPECT_EQ(Delay(expired).count(), expected);
    clock_.Advance(seconds(1));
    EXPECT_EQ(expired.Next(Now()).action, Action::kList);
    EXPECT_TRUE(expired.OnPage(Meta("5"), Now()));
    (void)expired.Next(Now());
    expired.OnWatchStarted(Now());
  }
}

TEST_F(ReflectorMachineTest, WatchTimesAreSpread) {
  random_ = 0;
  ReflectorMachine first = Make(false);
  EXPECT_TRUE(first.OnPage(Meta("1"), Now()));
  (void)first.Next(Now());
  first.OnEvent(EventType::kBookmark, "1", false);
  EXPECT_TRUE(Query(first.Next(Now())).ends_with("timeoutSeconds=300"));
  random_ = 0.999;
  EXPECT_TRUE(Query(first.Next(Now())).ends_with("timeoutSeconds=599"));
}

}  // namespace
}  // namespace downwardfs::client
