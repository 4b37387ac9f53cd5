// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/lane_budget.h"

#include <algorithm>

namespace downwardfs {

LaneBudget::Account& LaneBudget::Join(const std::string& owner, SteadyTime now) {
  const auto [at, made] = accounts_.try_emplace(owner);
  Account& account = at->second;
  if (made) {
    account.owner_ = owner;
    account.reserve_ = limits_.reserve;
    account.as_of_ = now;
  }
  ++account.lanes_;
  return account;
}

void LaneBudget::Leave(Account& account) {
  if (--account.lanes_ > 0) return;
  if (account.hot_) --hot_;
  accounts_.erase(accounts_.find(account.owner_));
}

double LaneBudget::Rate(const Account& account) const {
  if (!account.hot_ || hot_ == 0) return limits_.share;
  return std::min(limits_.share, limits_.of_all_hot / static_cast<double>(hot_));
}

void LaneBudget::Refill(Account& account, SteadyTime now) {
  const Seconds passed = now - account.as_of_;
  if (passed.count() <= 0) return;
  account.as_of_ = now;
  account.reserve_ = std::min(account.reserve_ + passed * Rate(account), limits_.reserve);
  const bool hot = account.reserve_ < limits_.reserve / 2;
  if (hot == account.hot_) return;
  account.hot_ = hot;
  hot ? ++hot_ : --hot_;
}

void LaneBudget::Charge(Account& account, Seconds used, SteadyTime now) {
  account.used_ = std::max(account.used_, turn_) + used.count();
  if (limits_.of_all_hot <= 0) return;
  Refill(account, now);
  const bool had = account.reserve_.count() >= 0;
  account.reserve_ -= used;
  if (had && account.reserve_.count() < 0) account.spent_at_ = now;
  if (!account.hot_ && account.reserve_ < limits_.reserve / 2) {
    account.hot_ = true;
    ++hot_;
  }
}

LaneBudget::SteadyTime LaneBudget::MayRunAt(Account& account, SteadyTime now) {
  if (limits_.of_all_hot <= 0) return now;
  Refill(account, now);
  if (account.reserve_.count() >= 0) return now;
  const Seconds wait = -account.reserve_ / Rate(account);
  const auto longest = std::chrono::ceil<SteadyTime::duration>(limits_.longest_pause);
  if (now - account.spent_at_ >= longest) {
    // The rest of the debt is forgiven.
    account.reserve_ = Seconds(0);
    return now;
  }
  // Rounded up, so that it has its reserve when the time has come.
  return std::min(
      now + std::chrono::ceil<std::chrono::microseconds>(std::min(wait, limits_.longest_pause)),
      account.spent_at_ + longest);
}

bool LaneBudget::IsHot(Account& account, SteadyTime now) {
  if (limits_.of_all_hot <= 0) return false;
  Refill(account, now);
  return account.hot_;
}

double LaneBudget::Place(Account& account) {
  return account.used_ = std::max(account.used_, turn_);
}

void LaneBudget::Began(double place) {
  turn_ = std::max(turn_, place);
}

}  // namespace downwardfs
