// SPDX-License-Identifier: Apache-2.0
//
// Logging: one line per event, fields with one spelling (base/log_keys.h). A failure is logged
// once, where it is handled. spdlog stays behind this header, so that nothing else compiles fmt.
// Set up once by main() before threads start; Log() may be called by any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace downwardfs {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Where log lines go and how they look.
struct LogOptions {
  enum class Format { kText, kJson };
  Format format = Format::kText;
  LogLevel level = LogLevel::kInfo;
  /// A file to append to; empty: standard error, or syslog if `use_syslog`.
  std::string file;
  bool use_syslog = false;
};

/// Replaces the process's log. kInvalidArgument where the file cannot be opened.
Status SetUpLog(const LogOptions& options);

using LogField = std::pair<std::string_view, std::string>;

/// Writes one line: the message, then ` key="value"` for each field (or one JSON object). Control
/// bytes are escaped. Never give it a token or a key.
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

inline void LogDebug(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kDebug, message, fields);
}
inline void LogInfo(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, message, fields);
}
inline void LogWarning(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarning, message, fields);
}
inline void LogError(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, message, fields);
}

}  // namespace downwardfs
