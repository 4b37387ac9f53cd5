// SPDX-License-Identifier: Apache-2.0
// libfuse reports why a mount failed through a log function only. While a session is made and
// mounted the lines are collected here; later ones are of no use to anybody and are dropped.
#pragma once

#include <string>

namespace downwardfs {

/// Begins anew. Sessions are made by one thread at a time.
class LibfuseLog {
 public:
  LibfuseLog();
  /// The lines that were logged since, as one line.
  static std::string Text();
};

}  // namespace downwardfs
