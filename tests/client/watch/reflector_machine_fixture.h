// SPDX-License-Identifier: Apache-2.0
// A reflector's machine under a fake clock, and the failures that it is told of.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "client/watch/reflector_machine.h"
#include "tests/fakes/fake_clock.h"

namespace downwardfs::client {

using Action = ReflectorMachine::Action;
using Verdict = ReflectorMachine::Verdict;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline std::string Query(const ReflectorMachine::Step& step) {
  return WithQuery("", step.parameters);
}

inline ListMeta Meta(const std::string& version, const std::string& token = "") {
  ListMeta meta;
  meta.resource_version = version;
  meta.continue_token = token;
  return meta;
}

inline ApiFailure Status(int status, const std::string& reason = "") {
  ApiFailure failure;
  failure.status = status;
  failure.reason = reason;
  failure.error.code = ErrorCode::kUnavailable;
  return failure;
}

inline ApiFailure Broken() {
  ApiFailure failure;
  failure.error.code = ErrorCode::kUnavailable;
  return failure;
}

inline ApiFailure Unreachable() {
  ApiFailure failure = Broken();
  failure.no_connection = true;
  return failure;
}

inline ApiFailure Silence() {
  ApiFailure failure;
  failure.error.code = ErrorCode::kDeadlineExceeded;
  return failure;
}

class ReflectorMachineTest : public testing::Test {
 protected:
  ReflectorMachine Make(bool streaming) {
    return ReflectorMachine({}, streaming, [this] { return random_; });
  }
  Clock::SteadyTime Now() const { return clock_.Steady(); }
  // How long the machine waits now; zero if it does not.
  milliseconds Delay(ReflectorMachine& machine) {
    const auto step = machine.Next(Now());
    if (step.action != Action::kWait) return milliseconds(0);
    return std::chrono::duration_cast<milliseconds>(step.until - Now());
  }
  // Listed and watching from `version`.
  ReflectorMachine Watching(const std::string& version) {
    ReflectorMachine machine = Make(false);
    (void)machine.Next(Now());
    EXPECT_TRUE(machine.OnPage(Meta(version), Now()));
    EXPECT_EQ(machine.Next(Now()).action, Action::kWatch);
    machine.OnWatchStarted(Now());
    return machine;
  }
  // The same, about to watch once more after so many failures in a row.
  ReflectorMachine WatchingAfterFailures(int count) {
    ReflectorMachine machine = Watching("5");
    for (int i = 0; i < count; ++i) {
      machine.OnWatchFailed(Unreachable(), Now());
      clock_.Advance(std::chrono::seconds(31));
      (void)machine.Next(Now());
    }
    return machine;
  }

  FakeClock clock_;
  double random_ = 0.5;
};

}  // namespace downwardfs::client
