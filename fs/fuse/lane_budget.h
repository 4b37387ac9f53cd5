// SPDX-License-Identifier: Apache-2.0
//
// Shares the lanes' threads between the volumes of a node, so that one that changes without pause
// does not delay the others. Each account (all lanes of one pod) has a budget of processor time: a
// reserve, which refills at a rate. An account whose reserve is spent is held back until it has
// some again; meanwhile its changes become one (the updater and the publisher take the newest
// state). An account that has spent half of it is `hot`: hot accounts share one rate and may not
// take the last thread. Of several that are ready, the one that has used the least goes first
// (start-time fair queueing: an account that comes back after a rest gets no credit for it).
//
// The cost is the processor time of the task, not the time that it took: on a machine that is busy
// otherwise a quiet volume's task takes long and is not to blame.
//
// No thread, no clock and no lock of its own: the LanePool calls it under its mutex, tests call it
// with times of their choice.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace downwardfs {

class LaneBudget {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Seconds = std::chrono::duration<double>;

  struct Limits {
    Seconds reserve{0.1};  ///< of processor time that an account can save up
    double share = 0.05;   ///< of one thread that an account may use for long
    double of_all_hot =
        0;  ///< of one thread that all hot ones may use together; 0: no limits at all
    /// No account is held back for longer: late by as much as the kubelet, whose own volumes change
    /// about once a second, and no later.
    Seconds longest_pause{1};
  };
  class Account {
   private:
    friend class LaneBudget;
    std::string owner_;
    std::size_t lanes_ = 0;
    Seconds reserve_{0};   // below zero: it is held back
    SteadyTime as_of_;     // of the reserve
    SteadyTime spent_at_;  // when it fell below zero
    bool hot_ = false;
    double used_ = 0;  // its place in line: seconds of processor time, and of rests
  };

  explicit LaneBudget(Limits limits) : limits_(limits) {}

  /// The account of that owner, made if it is missing; every call wants its own Leave(). It
  /// stays where it is.
  Account& Join(const std::string& owner, SteadyTime now);
  void Leave(Account& account);

  /// A task of the account has run and has used so much.
  void Charge(Account& account, Seconds used, SteadyTime now);
  /// When the account may run again: `now` or earlier if it is not held back.
  SteadyTime MayRunAt(Account& account, SteadyTime now);
  bool IsHot(Account& account, SteadyTime now);
  /// The account's place in line: the smallest goes first. Call when one of its lanes becomes
  /// ready, and Began() with it when that lane runs.
  double Place(Account& account);
  void Began(double place);

 private:
  double Rate(const Account& account) const;
  void Refill(Account& account, SteadyTime now);

  const Limits limits_;
  std::map<std::string, Account> accounts_;
  std::size_t hot_ = 0;
  double turn_ = 0;  // the place of the last task that began
};

}  // namespace downwardfs
