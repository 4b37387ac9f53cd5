// SPDX-License-Identifier: Apache-2.0
//
// Logging: one line per event, fields with one spelling (base/log_keys.h). A failure is logged
// once, where it is handled. Lines go to standard error, or to the sink of the process: a program
// of ours sets one up (base/log_setup.h), and an application that links the client library may give
// its own. No logging library is behind this header, so the library cannot touch the application's.
// Any thread may call any function.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace downwardfs {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// "debug", "info", "warning" or "error".
std::string_view LogLevelName(LogLevel level);

using LogField = std::pair<std::string_view, std::string>;
using LogFields = std::initializer_list<LogField>;

/// Takes lines of at least one level. Called on the thread that logs, by several threads at once;
/// it must not block for long and must not log.
using LogSink = std::function<void(LogLevel level, std::string_view message, LogFields fields)>;

/// Every line of at least `least` goes to `sink` from now on; an empty sink means standard error. A
/// call that has begun may still reach the sink before.
void SetLogSink(LogSink sink, LogLevel least = LogLevel::kInfo);

/// Logs an event: to the sink, or as TextLine() with the time to standard error. Never give it a
/// token or a key.
void Log(LogLevel level, std::string_view message, LogFields fields = {});

/// The event as text: the message, then ` key="value"` for each field, control bytes escaped. For
/// sinks.
std::string TextLine(std::string_view message, LogFields fields);

inline void LogDebug(std::string_view message, LogFields fields = {}) {
  Log(LogLevel::kDebug, message, fields);
}
inline void LogInfo(std::string_view message, LogFields fields = {}) {
  Log(LogLevel::kInfo, message, fields);
}
inline void LogWarning(std::string_view message, LogFields fields = {}) {
  Log(LogLevel::kWarning, message, fields);
}
inline void LogError(std::string_view message, LogFields fields = {}) {
  Log(LogLevel::kError, message, fields);
}

}  // namespace downwardfs
