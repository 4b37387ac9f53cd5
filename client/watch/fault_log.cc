// SPDX-License-Identifier: Apache-2.0
#include "client/watch/fault_log.h"

namespace downwardfs::client {
namespace {

// A stream that comes back within this time after a reason that was told is not worth a line.
constexpr std::chrono::seconds kLongAway{60};
// A server that says something new each time is not kept in memory.
constexpr std::size_t kMostReasons = 32;

std::string WithoutNumbers(std::string_view message) {
  std::string text;
  for (const char c : message) {
    if (c < '0' || c > '9') text += c;
  }
  return text;
}

}  // namespace

bool FaultLog::Failed(std::string_view message, Clock::SteadyTime now) {
  if (running_since_ && now - *running_since_ >= good_after_) told_.clear();
  running_since_.reset();
  if (!away_since_) away_since_ = now;
  if (told_.size() >= kMostReasons) told_.clear();
  const bool is_new = told_.insert(WithoutNumbers(message)).second;
  const bool stays_away = !told_now_ && now - *away_since_ >= kLongAway;
  if (!is_new && !stays_away) return false;
  told_now_ = true;
  return true;
}

bool FaultLog::Runs(Clock::SteadyTime now) {
  if (!running_since_) running_since_ = now;
  away_since_.reset();
  const bool tell = told_now_;
  told_now_ = false;
  return tell;
}

}  // namespace downwardfs::client
