// SPDX-License-Identifier: Apache-2.0
// The things that the daemon has done since it started, for its metrics: counted where it happens.
// Any thread; it outlives whoever counts.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "csi/prometheus_text.h"
#include "fs/fuse/request_counters.h"

namespace downwardfs {

class PluginTally {
 public:
  /// A call of the kubelet's was answered; `code` as gRPC spells it ("NOT_FOUND").
  void Called(const std::string& method, const std::string& code, std::chrono::nanoseconds took)
      EXCLUDES(mutex_);
  /// By method and code.
  using Calls = std::map<std::pair<std::string, std::string>, DurationHistogram::Snapshot>;
  Calls calls() const EXCLUDES(mutex_);

  /// From a change's arrival to the volume's new version: waiting, reading, projecting.
  DurationHistogram updates;
  /// Of all volumes, also those that have gone.
  RequestCounters requests;

 private:
  mutable Mutex mutex_;  // a leaf
  std::map<std::pair<std::string, std::string>, DurationHistogram> calls_ GUARDED_BY(mutex_);
};

}  // namespace downwardfs
