// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/lane_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace downwardfs {
namespace {

using Time = LaneBudget::SteadyTime;
using Seconds = LaneBudget::Seconds;
using std::chrono::milliseconds;

const Time kStart = Time() + std::chrono::hours(1);

LaneBudget::Limits Limits() {
  LaneBudget::Limits limits;
  limits.reserve = Seconds(0.1);
  limits.share = 0.05;
  limits.of_all_hot = 0.2;
  limits.longest_pause = Seconds(1);
  return limits;
}

// Runs tasks of that cost whenever the account may, and returns how many there were in a second.
int TasksInASecond(LaneBudget& budget, const std::vector<LaneBudget::Account*>& accounts,
                   Seconds cost, Time from) {
  int tasks = 0;
  for (Time now = from; now < from + std::chrono::seconds(1); now += milliseconds(1)) {
    for (LaneBudget::Account* const account : accounts) {
      if (budget.MayRunAt(*account, now) > now) continue;
      budget.Charge(*account, cost, now);
      ++tasks;
    }
  }
  return tasks;
}

TEST(LaneBudgetTest, AnAccountSpendsItsReserveAtOnceAndThenHasItsShare) {
  LaneBudget budget(Limits());
  LaneBudget::Account& noisy = budget.Join("noisy", kStart);
  const Seconds cost(0.001);
  // 100 ms of reserve and 5 % of a second, 1 ms each.
  EXPECT_NEAR(TasksInASecond(budget, {&noisy}, cost, kStart), 150, 3);
  EXPECT_NEAR(TasksInASecond(budget, {&noisy}, cost, kStart + std::chrono::seconds(1)), 50, 3);
}

TEST(LaneBudgetTest, ManyHotAccountsShareOneRateEqually) {
  LaneBudget budget(Limits());
  std::vector<LaneBudget::Account*> accounts;
  for (int i = 0; i < 20; ++i) accounts.push_back(&budget.Join(std::to_string(i), kStart));
  const Seconds cost(0.001);
  TasksInASecond(budget, accounts, cost, kStart);
  // Not 20 x 50 but 200 for all.
  EXPECT_NEAR(TasksInASecond(budget, accounts, cost, kStart + std::chrono::seconds(1)), 200, 20);
}

TEST(LaneBudgetTest, AnAccountThatIsExpensiveIsLateByOneSecondAtMost) {
  LaneBudget budget(Limits());
  LaneBudget::Account& noisy = budget.Join("noisy", kStart);
  budget.Charge(noisy, Seconds(30), kStart);
  const Time due = budget.MayRunAt(noisy, kStart);
  EXPECT_GT(due, kStart);
  EXPECT_LE(due, kStart + std::chrono::seconds(1));
  EXPECT_LE(budget.MayRunAt(noisy, due), due);
}

TEST(LaneBudgetTest, AnAccountWithSeveralLanesHasOneBudget) {
  LaneBudget budget(Limits());
  LaneBudget::Account& first = budget.Join("pod", kStart);
  LaneBudget::Account& second = budget.Join("pod", kStart);
  EXPECT_EQ(&first, &second);
  budget.Charge(first, Seconds(0.2), kStart);
  EXPECT_GT(budget.MayRunAt(second, kStart), kStart);
  budget.Leave(second);
  EXPECT_GT(budget.MayRunAt(first, kStart), kStart);
  budget.Leave(first);
  EXPECT_LE(budget.MayRunAt(budget.Join("pod", kStart), kStart), kStart);
}

TEST(LaneBudgetTest, TheQuietOneIsFirstInLineAndARestGivesNoCredit) {
  LaneBudget budget(Limits());
  LaneBudget::Account& noisy = budget.Join("noisy", kStart);
  LaneBudget::Account& quiet = budget.Join("quiet", kStart);
  for (int i = 0; i < 10; ++i) {
    budget.Began(budget.Place(noisy));
    budget.Charge(noisy, Seconds(0.01), kStart);
  }
  const double place = budget.Place(quiet);
  EXPECT_LT(place, budget.Place(noisy));
  budget.Began(place);
  budget.Charge(quiet, Seconds(0.05), kStart);
  EXPECT_GT(budget.Place(quiet), budget.Place(noisy));
}

TEST(LaneBudgetTest, WithoutLimitsNobodyIsHeldBack) {
  LaneBudget budget({});
  LaneBudget::Account& noisy = budget.Join("noisy", kStart);
  budget.Charge(noisy, Seconds(100), kStart);
  EXPECT_LE(budget.MayRunAt(noisy, kStart), kStart);
  EXPECT_FALSE(budget.IsHot(noisy, kStart));
}

}  // namespace
}  // namespace downwardfs
