// SPDX-License-Identifier: Apache-2.0
#include "csi/plugin_tally.h"

namespace downwardfs {

void PluginTally::Called(const std::string& method, const std::string& code,
                         std::chrono::nanoseconds took) {
  MutexLock lock(mutex_);
  calls_[{method, code}].Add(took);
}

PluginTally::Calls PluginTally::calls() const {
  Calls out;
  MutexLock lock(mutex_);
  for (const auto& [call, durations] : calls_) out.emplace(call, durations.Take());
  return out;
}

}  // namespace downwardfs
