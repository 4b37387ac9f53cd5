// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/lane_pool.h"

#include <gmock/gmock.h>
#include <time.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

constexpr std::chrono::seconds kPatience{20};

class Record {
 public:
  void Add(const std::string& what) {
    MutexLock lock(mutex_);
    all_.push_back(what);
    changed_.NotifyAll();
  }
  std::vector<std::string> WaitFor(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    MutexLock lock(mutex_);
    while (all_.size() < count && changed_.WaitUntil(mutex_, deadline)) {
    }
    return all_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> all_ GUARDED_BY(mutex_);
};

TEST(PublisherTest, ALaneRunsItsTasksInTheirOrderOneAtATime) {
  LanePool lanes;
  const auto lane = lanes.NewLane();
  std::atomic<int> at_once{0};
  std::atomic<bool> overlapped{false};
  std::vector<int> order;  // written by one task at a time, or the test fails under TSan
  Record done;
  for (int i = 0; i < 1000; ++i) {
    lane->poster().Post([&, i] {
      if (++at_once != 1) overlapped = true;
      order.push_back(i);
      --at_once;
      if (i == 999) done.Add("last");
    });
  }
  EXPECT_THAT(done.WaitFor(1), ElementsAre("last"));
  EXPECT_FALSE(overlapped);
  ASSERT_EQ(order.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(PublisherTest, TimedTasksComeWhenTheyAreDueAndNotBefore) {
  LanePool lanes;
  const auto lane = lanes.NewLane();
  Record record;
  const auto start = std::chrono::steady_clock::now();
  std::atomic<bool> early{false};
  lane->poster().PostAt(start + milliseconds(60), [&] {
    if (std::chrono::steady_clock::now() < start + milliseconds(60)) early = true;
    record.Add("second");
  });
  lane->poster().PostAt(start + milliseconds(20), [&] { record.Add("first"); });
  EXPECT_THAT(record.WaitFor(2), ElementsAre("first", "second"));
  EXPECT_FALSE(early);
}

TEST(PublisherTest, LanesThatAreStuckDelayNoOther) {
  LanePool::Options options;
  options.stuck_after = milliseconds(20);
  LanePool lanes(options);
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::vector<std::unique_ptr<Lane>> stuck;
  for (int i = 0; i < 5; ++i) {  // more than there are threads
    stuck.push_back(lanes.NewLane());
    stuck.back()->poster().Post([released] { released.wait(); });
  }
  const auto lane = lanes.NewLane();
  Record record;
  lane->poster().Post([&] { record.Add("other"); });
  EXPECT_THAT(record.WaitFor(1), ElementsAre("other"));
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (lanes.stuck() < 5 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(lanes.stuck(), 5);
  EXPECT_TRUE(stuck[0]->stuck());
  EXPECT_FALSE(lane->stuck());
  // A task that a stuck lane was given meanwhile runs once it is free.
  stuck[0]->poster().Post([&] { record.Add("late"); });
  release.set_value();
  EXPECT_THAT(record.WaitFor(2), ElementsAre("other", "late"));
  while (lanes.stuck() > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(lanes.stuck(), 0);
}

// Uses the processor until it has used so much.
void Burn(milliseconds time) {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  const auto end = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec) + time;
  while (std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec) < end) {
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  }
}

TEST(PublisherTest, AnOwnerThatIsOverItsBudgetIsHeldBackAndTheOthersAreNot) {
  LanePool::Options options;
  options.budget.reserve = std::chrono::milliseconds(1);
  options.budget.of_all_hot = 1e-9;
  options.budget.longest_pause = std::chrono::hours(1);
  LanePool lanes(options);
  const auto noisy = lanes.NewLane("noisy");
  const auto its_other = lanes.NewLane("noisy");
  const auto quiet = lanes.NewLane("quiet");
  Record record;
  noisy->poster().Post([&] {
    Burn(milliseconds(5));
    record.Add("first");
  });
  record.WaitFor(1);
  // The charge follows the task.
  noisy->poster().Post([&] { record.Add("second"); });
  while (!noisy->held_back()) std::this_thread::yield();
  its_other->poster().Post([&] { record.Add("its other lane"); });
  quiet->poster().Post([&] { record.Add("quiet"); });
  EXPECT_THAT(record.WaitFor(2), ElementsAre("first", "quiet"));
  EXPECT_TRUE(noisy->held_back());
  EXPECT_TRUE(its_other->held_back());
  EXPECT_FALSE(quiet->held_back());
}

TEST(PublisherTest, HotOwnersLeaveAThreadToTheOthers) {
  LanePool::Options options;
  options.budget.reserve = std::chrono::milliseconds(100);
  options.budget.of_all_hot = 1;
  LanePool lanes(options);
  std::vector<std::unique_ptr<Lane>> hot;
  Record record;
  for (int i = 0; i < 3; ++i) {
    hot.push_back(lanes.NewLane("hot " + std::to_string(i)));
    hot.back()->poster().Post([&] {
      Burn(milliseconds(30));  // more than half of the reserve, and less than all
      record.Add("warm");
    });
  }
  record.WaitFor(3);
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::atomic<int> running{0};
  for (const auto& lane : hot) {
    lane->poster().Post([&, released] {
      ++running;
      released.wait();
    });
  }
  const auto quiet = lanes.NewLane("quiet");
  quiet->poster().Post([&] { record.Add("quiet"); });
  EXPECT_THAT(record.WaitFor(4), ElementsAre("warm", "warm", "warm", "quiet"));
  EXPECT_LE(running, 1);
  release.set_value();
  for (const auto& lane : hot) lane->poster().Post([&] { record.Add("end"); });
  EXPECT_EQ(record.WaitFor(7).size(), 7U);
}

TEST(PublisherTest, ALaneThatGoesWaitsForItsTaskAndDropsTheRest) {
  LanePool lanes;
  Record record;
  std::atomic<bool> ended{false};
  auto lane = lanes.NewLane();
  const auto poster = lane->poster();
  poster.Post([&] {
    record.Add("begun");
    std::this_thread::sleep_for(milliseconds(30));
    ended = true;
  });
  poster.PostAt(std::chrono::steady_clock::now() + std::chrono::hours(1),
                [&] { record.Add("timed"); });
  record.WaitFor(1);
  lane.reset();
  EXPECT_TRUE(ended);
  poster.Post([&] { record.Add("too late"); });
  // Another lane's task runs after all that the pool still had to do.
  const auto other = lanes.NewLane();
  other->poster().Post([&] { record.Add("other"); });
  EXPECT_THAT(record.WaitFor(2), ElementsAre("begun", "other"));
}

}  // namespace
}  // namespace downwardfs
