// SPDX-License-Identifier: Apache-2.0
// The events of inotify(7) for a path, as `inotifywait -m` prints them: "MOVED_TO ..data". One
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/owned_fd.h"

namespace downwardfs::testing {

class EventLog {
 public:
  /// Watches for `mask`; the test fails if it cannot.
  EventLog(const std::string& path, std::uint32_t mask);

  /// Waits until `enough` holds of the events so far, then returns them; returns what there is when
  /// 20 s have passed.
  std::vector<std::string> Until(
      const std::function<bool(const std::vector<std::string>&)>& enough);
  /// Waits until `last` has come.
  std::vector<std::string> UntilLast(const std::string& last);
  /// All but OPEN, ACCESS and CLOSE_NOWRITE, which are the readers'.
  static std::uint32_t Changes();

 private:
  OwnedFd fd_;
  std::vector<std::string> events_;
};

}  // namespace downwardfs::testing
