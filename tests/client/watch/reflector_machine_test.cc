// SPDX-License-Identifier: Apache-2.0
// The reflector's next request, and the version from which it asks.
#include "tests/client/watch/reflector_machine_fixture.h"

namespace downwardfs::client {
namespace {

TEST_F(ReflectorMachineTest, PagesCarryTheTokenAlone) {
  ReflectorMachine machine = Make(false);
  auto step = machine.Next(Now());
  EXPECT_EQ(Query(step), "?limit=500&resourceVersion=0");
  EXPECT_TRUE(step.first_page);
  EXPECT_FALSE(machine.OnPage(Meta("5", "t"), Now()));
  step = machine.Next(Now());
  EXPECT_EQ(Query(step), "?limit=500&continue=t");
  EXPECT_FALSE(step.first_page);
  EXPECT_TRUE(machine.OnPage(Meta("5"), Now()));
  step = machine.Next(Now());
  EXPECT_EQ(Query(step), "?resourceVersion=5&allowWatchBookmarks=true&timeoutSeconds=60");
  EXPECT_EQ(step.total_limit, seconds(90));
  EXPECT_EQ(step.head_limit, seconds(90));
  EXPECT_EQ(step.idle_limit.count(), 0);
}

TEST_F(ReflectorMachineTest, StreamingListsAreTriedOnceAndLeftFor422) {
  for (const int status : {400, 405, 422}) {
    ReflectorMachine machine = Make(true);
    EXPECT_EQ(Query(machine.Next(Now())),
              "?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
              "&timeoutSeconds=450");
    EXPECT_FALSE(machine.OnWatchFailed(Status(status), Now()));
    EXPECT_EQ(machine.Next(Now()).action, Action::kList);
  }
}

TEST_F(ReflectorMachineTest, StreamingThatIsIgnoredShows) {
  ReflectorMachine by_bookmark = Make(true);
  (void)by_bookmark.Next(Now());
  EXPECT_EQ(by_bookmark.OnEvent(EventType::kAdded, "3", false), Verdict::kApply);
  EXPECT_EQ(by_bookmark.OnEvent(EventType::kBookmark, "4", false), Verdict::kStop);
  by_bookmark.OnWatchStopped(Now());
  EXPECT_EQ(by_bookmark.Next(Now()).action, Action::kList);

  ReflectorMachine by_silence = Make(true);
  EXPECT_EQ(by_silence.Next(Now()).idle_limit, seconds(10));
  by_silence.OnWatchStarted(Now());
  EXPECT_FALSE(by_silence.OnWatchFailed(Silence(), Now()));
  EXPECT_EQ(by_silence.Next(Now()).action, Action::kList);

  ReflectorMachine by_end = Make(true);
  (void)by_end.Next(Now());
  by_end.OnWatchEnded(Now());
  EXPECT_EQ(by_end.Next(Now()).action, Action::kList);
}

TEST_F(ReflectorMachineTest, StreamingGoesOnAsAWatch) {
  ReflectorMachine machine = Make(true);
  (void)machine.Next(Now());
  machine.OnWatchStarted(Now());
  EXPECT_EQ(machine.OnEvent(EventType::kAdded, "900", false), Verdict::kApply);
  EXPECT_EQ(machine.OnEvent(EventType::kAdded, "3", false), Verdict::kApply);
  EXPECT_EQ(machine.OnEvent(EventType::kBookmark, "905", true), Verdict::kListComplete);
  EXPECT_EQ(machine.OnEvent(EventType::kModified, "906", false), Verdict::kApply);
  clock_.Advance(seconds(1));
  machine.OnWatchEnded(Now());
  EXPECT_EQ(Query(machine.Next(Now())).substr(0, 20), "?resourceVersion=906");
}

TEST_F(ReflectorMachineTest, ExpiryRelistsFromTheMostRecentState) {
  ReflectorMachine machine = Watching("5");
  EXPECT_EQ(machine.OnEvent(EventType::kModified, "6", false), Verdict::kApply);
  machine.OnErrorEvent(Status(410, "Expired"), Now());
  EXPECT_EQ(Delay(machine), milliseconds(0));
  EXPECT_EQ(Query(machine.Next(Now())), "?limit=500");
  // Again, without an event between: not in a loop.
  EXPECT_TRUE(machine.OnPage(Meta("7"), Now()));
  (void)machine.Next(Now());
  machine.OnErrorEvent(Status(410, "Expired"), Now());
  EXPECT_EQ(Delay(machine), milliseconds(400));
}

TEST_F(ReflectorMachineTest, ARelistIsNotOlderThanWhatWeHave) {
  ReflectorMachine machine = Watching("5");
  machine.OnErrorEvent(Status(500), Now());
  clock_.Advance(seconds(1));
  EXPECT_EQ(Query(machine.Next(Now())), "?resourceVersion=5&resourceVersionMatch=NotOlderThan");
  // The server was restored from a backup and cannot know 5.
  ApiFailure too_large = Status(504, "Timeout");
  too_large.version_too_large = true;
  machine.OnListFailed(too_large, Now());
  EXPECT_EQ(Query(machine.Next(Now())), "?limit=500");
}

TEST_F(ReflectorMachineTest, ABrokenWatchGoesOnWhereItWas) {
  ReflectorMachine machine = Watching("5");
  EXPECT_EQ(machine.OnEvent(EventType::kModified, "9", false), Verdict::kApply);
  EXPECT_EQ(machine.OnEvent(EventType::kModified, "7", false), Verdict::kApply);  // late
  machine.OnWatchFailed(Broken(), Now());
  clock_.Advance(seconds(1));
  EXPECT_EQ(Query(machine.Next(Now())).substr(0, 18), "?resourceVersion=9");
}

// A fault of the bytes says nothing about the version: 10,000 pods are not listed for it.
TEST_F(ReflectorMachineTest, AWatchThatCannotBeReadGoesOnWhereItWas) {
  for (const ErrorCode code : {ErrorCode::kInvalidArgument, ErrorCode::kResourceExhausted}) {
    ApiFailure unreadable;
    unreadable.error.code = code;
    ReflectorMachine machine = Watching("5");
    for (const std::string version : {"6", "7", "8"}) {
      EXPECT_EQ(machine.OnEvent(EventType::kModified, version, false), Verdict::kApply);
      EXPECT_TRUE(machine.OnWatchFailed(unreadable, Now()));
      clock_.Advance(seconds(31));
      EXPECT_EQ(Query(machine.Next(Now())).substr(0, 18), "?resourceVersion=" + version);
      machine.OnWatchStarted(Now());
    }
    // The same again before anything came: it may be the version that brings it.
    EXPECT_TRUE(machine.OnWatchFailed(unreadable, Now()));
    clock_.Advance(seconds(31));
    EXPECT_EQ(Query(machine.Next(Now())), "?resourceVersion=8&resourceVersionMatch=NotOlderThan");
    // The list was the answer to that; the next fault is a first one.
    EXPECT_TRUE(machine.OnPage(Meta("8"), Now()));
    (void)machine.Next(Now());
    EXPECT_TRUE(machine.OnWatchFailed(unreadable, Now()));
    clock_.Advance(seconds(31));
    EXPECT_EQ(machine.Next(Now()).action, Action::kWatch);
  }
}

TEST_F(ReflectorMachineTest, VersionsThatGoBackMeanAnotherHistory) {
  ReflectorMachine machine = Watching("500");
  EXPECT_EQ(machine.OnEvent(EventType::kBookmark, "40", false), Verdict::kStop);
  machine.OnWatchStopped(Now());
  EXPECT_EQ(Query(machine.Next(Now())), "?limit=500");
}

TEST_F(ReflectorMachineTest, OpaqueVersionsAreCarriedAsTheyAre) {
  ReflectorMachine machine = Watching("b:7");
  EXPECT_EQ(machine.OnEvent(EventType::kModified, "a:9", false), Verdict::kApply);
  machine.OnWatchEnded(Now() + seconds(5));
  EXPECT_EQ(Query(machine.Next(Now())).substr(0, 22), "?resourceVersion=a%3A9");
}

TEST_F(ReflectorMachineTest, AnErrorEventMeansARelistUnlessTheServerIsBusy) {
  for (const int status : {500, 400, 403, 504}) {
    ReflectorMachine machine = Watching("5");
    machine.OnErrorEvent(Status(status), Now());
    EXPECT_EQ(Delay(machine).count(), 400) << status;
    clock_.Advance(seconds(1));
    EXPECT_EQ(Query(machine.Next(Now())), "?resourceVersion=5&resourceVersionMatch=NotOlderThan");
  }
  ReflectorMachine machine = Watching("5");
  machine.OnErrorEvent(Status(429), Now());
  EXPECT_EQ(Delay(machine).count(), 400);
  clock_.Advance(seconds(1));
  EXPECT_EQ(machine.Next(Now()).action, Action::kWatch);
}

}  // namespace
}  // namespace downwardfs::client
