// SPDX-License-Identifier: Apache-2.0
//
// The log of a program of ours: standard error, syslog or a file, as text or as JSON. Called by
// main() before threads start. spdlog stays behind this header; it is not part of the client
// library.
#pragma once

#include <string>

#include "base/log.h"
#include "base/result.h"

namespace downwardfs {

/// The place of log lines, and their form.
struct LogOptions {
  enum class Format { kText, kJson };
  Format format = Format::kText;
  LogLevel level = LogLevel::kInfo;
  /// A file to append to, which may be rotated (base/log_file.h); empty: standard error, or syslog
  /// if `use_syslog`.
  std::string file;
  bool resolved = false;  ///< `file` had no symlink when it was checked, and must have none now
  bool use_syslog = false;
};

/// Replaces the process's log sink; SIGUSR1 is ignored from now on. kInvalidArgument if the file
/// cannot be opened.
Status SetUpLog(const LogOptions& options);

}  // namespace downwardfs
