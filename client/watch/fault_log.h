// SPDX-License-Identifier: Apache-2.0
//
// Which failures of one stream of requests are worth a line of the log: each reason once, however
// often it comes back, until the stream has run well for a while. A watch that breaks every second
// would fill the log otherwise, and so would a server that is away for an hour. A reason that was
// told before gets its line again if the stream stays away for long: the log must not end with
// "following again" while nothing is followed. Pure; owned by one ReflectorSession, whose thread
// rule it has.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace downwardfs::client {

/// See the head of this file.
class FaultLog {
 public:
  /// `good_after`: a stream that ran so long without a failure makes every reason a new one.
  explicit FaultLog(std::chrono::milliseconds good_after) : good_after_(good_after) {}

  /// True if this failure is to be logged. Numbers in it (of events, bytes, milliseconds) do not
  /// make it another reason.
  bool Failed(std::string_view message, Clock::SteadyTime now);

  /// The stream runs. True if that is to be logged: the failure before it was.
  bool Runs(Clock::SteadyTime now);

 private:
  const std::chrono::milliseconds good_after_;
  std::set<std::string, std::less<>> told_;
  bool told_now_ = false;  ///< the log says that this stream is away
  std::optional<Clock::SteadyTime> running_since_;
  std::optional<Clock::SteadyTime> away_since_;
};

}  // namespace downwardfs::client
