// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/volume_updater.h"

#include <gmock/gmock.h>

#include <chrono>
#include <optional>
#include <thread>

#include "tests/fakes/fake_source.h"

namespace downwardfs {
namespace {

using testing::FakeSource;

// Collects what the updater hands out; waits for the next update.
class Collector {
 public:
  Status operator()(VolumeUpdater::Update update) {
    MutexLock lock(mutex_);
    updates_.push_back(std::move(update));
    changed_.NotifyAll();
    return fail_ ? Status(Fail(ErrorCode::kInternal, "disk full")) : Status();
  }
  void FailFromNowOn(bool fail) {
    MutexLock lock(mutex_);
    fail_ = fail;
  }
  VolumeUpdater::Update Wait(std::size_t nth) {
    MutexLock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (updates_.size() < nth && changed_.WaitUntil(mutex_, deadline)) {
    }
    return updates_.size() < nth ? VolumeUpdater::Update{} : updates_[nth - 1];
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool fail_ GUARDED_BY(mutex_) = false;
  std::vector<VolumeUpdater::Update> updates_ GUARDED_BY(mutex_);
};

std::string Pod(const std::string& label, const std::string& version) {
  return R"({"kind":"Pod","metadata":{"name":"p","namespace":"default","resourceVersion":")" +
         version + R"(","labels":{"app":")" + label +
         R"("}},"spec":{"containers":[{"name":"main"}]}})";
}

VolumeView LabelView() {
  VolumeView view;
  view.kind = VolumeView::Kind::kItems;
  Item item;
  item.path = "app";
  item.field_ref = FieldRef{"v1", "metadata.labels['app']"};
  view.items.items.push_back(item);
  return view;
}

const ObjectKey kPod{"Pod", "default", "p", ""};

// A source with one pod, whose label is "one".
class VolumeUpdaterTest : public ::testing::Test {
 protected:
  VolumeUpdaterTest() { source_.Put(Pod("one", "1")); }

  Status Start(VolumeView view = LabelView(),
               VolumeUpdater::Keep keep = VolumeUpdater::Keep::kAll) {
    return updater_.emplace(source_, kPod, std::move(view), std::ref(sink_), keep).Start();
  }

  FakeSource source_;
  Collector sink_;
  std::optional<VolumeUpdater> updater_;
};

TEST_F(VolumeUpdaterTest, HandsOutThePresentFilesThenEachChange) {
  ASSERT_TRUE(Start());
  EXPECT_EQ(sink_.Wait(1).files.at(0).content, "one");
  source_.Put(Pod("two", "2"));
  const auto update = sink_.Wait(2);
  EXPECT_TRUE(update.changed);
  EXPECT_EQ(update.files.at(0).content, "two");
  EXPECT_EQ(update.resource_version, "2");
}

TEST_F(VolumeUpdaterTest, WhatFailedIsTriedAgainWithoutAnotherChange) {
  ASSERT_TRUE(Start());
  sink_.FailFromNowOn(true);
  source_.Put(Pod("two", "2"));
  EXPECT_EQ(sink_.Wait(3).files.at(0).content, "two") << "the first attempt, and one after a pause";
  EXPECT_EQ(updater_->state().last_error, "disk full");
  sink_.FailFromNowOn(false);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!updater_->state().last_error.empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(updater_->state().last_error, "");
  EXPECT_EQ(updater_->state().updates, 2u);
}

TEST_F(VolumeUpdaterTest, WithoutAThreadOneTaskTriesAgainHoweverOftenItFails) {
  std::vector<std::pair<VolumeUpdater::SteadyTime, std::function<void()>>> posted;
  bool fail = false;
  VolumeUpdater updater(
      source_, kPod, LabelView(),
      [&](const VolumeUpdater::Update&) -> Status {
        return fail ? Status(Fail(ErrorCode::kInternal, "disk full")) : Status();
      },
      VolumeUpdater::Keep::kAll,
      [&](VolumeUpdater::SteadyTime due, std::function<void()> task) {
        posted.emplace_back(due, std::move(task));
      });
  ASSERT_TRUE(updater.Start());
  fail = true;
  for (const char* const label : {"two", "three"}) {
    source_.Put(Pod(label, "2"));
    posted.back().second();
  }
  ASSERT_EQ(posted.size(), 3u);
  EXPECT_GT(posted[1].first, VolumeUpdater::SteadyTime::min()) << "after a pause";
  fail = false;
  posted[1].second();
  EXPECT_EQ(updater.state().last_error, "");
  EXPECT_EQ(posted.size(), 3u);
}

TEST_F(VolumeUpdaterTest, WithoutAThreadNothingIsPostedBeforeTheFirstFilesAreHandedOut) {
  std::vector<std::function<void()>> posted;
  std::vector<std::string> shown;
  VolumeUpdater updater(
      source_, kPod, LabelView(),
      [&](VolumeUpdater::Update update) -> Status {
        EXPECT_TRUE(posted.empty());
        shown.push_back(update.files.at(0).content);
        if (shown.size() == 1) source_.Put(Pod("two", "2"));  // while it is being mounted
        return {};
      },
      VolumeUpdater::Keep::kAll,
      [&](VolumeUpdater::SteadyTime, std::function<void()> task) {
        posted.push_back(std::move(task));
      });
  ASSERT_TRUE(updater.Start());
  EXPECT_EQ(shown, std::vector<std::string>{"one"});
  ASSERT_EQ(posted.size(), 1u);
  source_.Put(Pod("three", "3"));
  ASSERT_EQ(posted.size(), 1u);  // one look is enough for both
  const auto task = std::move(posted[0]);
  posted.clear();
  task();
  EXPECT_EQ(shown, (std::vector<std::string>{"one", "three"}));
  updater.Stop();
  source_.Put(Pod("four", "4"));
  for (const auto& late : posted) late();
  EXPECT_EQ(shown.size(), 2u);
}

TEST_F(VolumeUpdaterTest, AnUpdateThatChangesNoByteIsOnlyANewerResourceVersion) {
  ASSERT_TRUE(Start());
  source_.Put(Pod("one", "2"));
  const auto update = sink_.Wait(2);
  EXPECT_FALSE(update.changed);
  EXPECT_EQ(update.resource_version, "2");
}

TEST_F(VolumeUpdaterTest, TheErrorOfTheFirstProjectionIsReturned) {
  source_.Delete(kPod);
  VolumeUpdater no_pod(source_, kPod, LabelView(), std::ref(sink_));
  const auto missing = no_pod.Start();
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);

  source_.Put(Pod("one", "1"));
  VolumeView view = LabelView();
  view.items.items[0].field_ref->field_path = "metadata.nam";
  VolumeUpdater bad_item(source_, kPod, view, std::ref(sink_));
  const auto bad = bad_item.Start();
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, ::testing::HasSubstr("items[0] \"app\""));
}

TEST_F(VolumeUpdaterTest, WhatCannotBeShownLeavesTheLastContentAndStandsInTheState) {
  VolumeView view = LabelView();
  Item cpu;
  cpu.path = "cpu";
  cpu.resource_field_ref = ResourceFieldRef{"main", "requests.cpu", {}};
  view.items.items.push_back(cpu);
  ASSERT_TRUE(Start(view));
  source_.Put(
      R"({"kind":"Pod","metadata":{"name":"p","namespace":"default"},"spec":{"containers":[]}})");
  ASSERT_TRUE(FakeSource::Eventually([&] { return !updater_->state().last_error.empty(); }));
  EXPECT_THAT(updater_->state().last_error, ::testing::HasSubstr("items[1] \"cpu\""));
  EXPECT_EQ(updater_->state().updates, 1u);
  source_.Put(Pod("back", "3"));
  EXPECT_EQ(sink_.Wait(2).files.at(0).content, "back");
  ASSERT_TRUE(FakeSource::Eventually([&] { return updater_->state().last_error.empty(); }));
}

TEST_F(VolumeUpdaterTest, ADeletedPodKeepsItsLastContent) {
  ASSERT_TRUE(Start());
  source_.Delete(kPod);
  ASSERT_TRUE(FakeSource::Eventually([&] { return updater_->state().pod_deleted; }));
  EXPECT_EQ(updater_->state().updates, 1u);
  source_.Put(Pod("again", "2"));
  EXPECT_EQ(sink_.Wait(2).files.at(0).content, "again");
  EXPECT_TRUE(FakeSource::Eventually([&] { return !updater_->state().pod_deleted; }));
}

TEST_F(VolumeUpdaterTest, AnItemThatNeedsTheNodeIsEmptyUntilItIsThere) {
  VolumeView view;
  view.kind = VolumeView::Kind::kItems;
  Item item;
  item.path = "mem";
  item.resource_field_ref = ResourceFieldRef{"main", "limits.memory", {}};
  view.items.items.push_back(item);
  ASSERT_TRUE(Start(view));
  EXPECT_EQ(sink_.Wait(1).files.at(0).content, "");
  ASSERT_EQ(updater_->state().problems.size(), 1u);
  EXPECT_THAT(updater_->state().problems[0], ::testing::HasSubstr("mem: "));

  source_.Put(
      R"({"kind":"Node","metadata":{"name":"n"},"status":{"allocatable":{"memory":"1Gi"}}})");
  source_.Put(Pod("two", "2"));
  EXPECT_EQ(sink_.Wait(2).files.at(0).content, "1073741824");
  ASSERT_TRUE(FakeSource::Eventually([&] { return updater_->state().problems.empty(); }));
  // From now on the node's own changes show.
  source_.Put(
      R"({"kind":"Node","metadata":{"name":"n"},"status":{"allocatable":{"memory":"2Gi"}}})");
  ASSERT_TRUE(FakeSource::Eventually([&] { return updater_->state().updates == 3; }));
}

TEST_F(VolumeUpdaterTest, AFailingSinkIsTriedAgainWithTheNextChange) {
  ASSERT_TRUE(Start());
  sink_.FailFromNowOn(true);
  source_.Put(Pod("two", "2"));
  ASSERT_TRUE(FakeSource::Eventually([&] { return updater_->state().last_error == "disk full"; }));
  sink_.FailFromNowOn(false);
  source_.Put(Pod("two", "3"));  // the same bytes, which were never taken
  const auto update = sink_.Wait(3);
  EXPECT_TRUE(update.changed);
  EXPECT_EQ(update.files.at(0).content, "two");
}

TEST_F(VolumeUpdaterTest, WhatNobodyReadsIsNotKeptAndRenderedWhenItIsRead) {
  ASSERT_TRUE(Start(LabelView(), VolumeUpdater::Keep::kWhatIsRead));
  const auto first = sink_.Wait(1).contents;
  EXPECT_EQ(first->kept_bytes(), 0u);
  // A change is still told from none.
  source_.Put(Pod("one", "2"));
  EXPECT_FALSE(sink_.Wait(2).changed);
  source_.Put(Pod("two", "3"));
  const auto second = sink_.Wait(3).contents;
  ASSERT_TRUE(second);
  // Of the objects that it was made of, not of the present ones.
  EXPECT_EQ(first->Read()->at(0), "one");
  EXPECT_EQ(second->Read()->at(0), "two");
  EXPECT_EQ(second->kept_bytes(), 3u);
  // A reader of this version will read the next.
  source_.Put(Pod("three", "4"));
  EXPECT_EQ(sink_.Wait(4).contents->kept_bytes(), 5u);
}

}  // namespace
}  // namespace downwardfs
