// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>

#include "base/mutex.h"
#include "base/text.h"

namespace downwardfs {
namespace {

struct Target {
  LogSink sink;
  LogLevel least = LogLevel::kInfo;
};

struct Current {
  Mutex mutex;
  std::shared_ptr<const Target> target GUARDED_BY(mutex) = std::make_shared<const Target>();
};

// Never destroyed: threads may log while the process ends.
Current& TheLog() {
  static auto* const current = new Current;
  return *current;
}

// "2026-11-27T08:00:00.123+01:00"
std::string LocalTime() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = millis / 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &local);
  const long offset = local.tm_gmtoff / 60;
  const long minutes = offset < 0 ? -offset : offset;
  char rest[32];
  std::snprintf(rest, sizeof rest, ".%03d%c%02ld:%02ld", static_cast<int>(millis % 1000),
                offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
  return std::string(text) + rest;
}

}  // namespace

std::string_view LogLevelName(LogLevel level) {
  static constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  return kNames[static_cast<int>(level)];
}

std::string TextLine(std::string_view message, LogFields fields) {
  std::string line = OneLine(message);
  for (const auto& [key, value] : fields) {
    line += " " + std::string(key) + "=" + QuoteForMessage(value, 1000);
  }
  return line;
}

void SetLogSink(LogSink sink, LogLevel least) {
  auto target = std::make_shared<const Target>(Target{std::move(sink), least});
  Current& current = TheLog();
  const MutexLock lock(current.mutex);
  current.target.swap(target);
}

void Log(LogLevel level, std::string_view message, LogFields fields) {
  std::shared_ptr<const Target> target;
  {
    Current& current = TheLog();
    const MutexLock lock(current.mutex);
    target = current.target;
  }
  if (level < target->least) return;
  if (target->sink) {
    target->sink(level, message, fields);
    return;
  }
  std::string line = LocalTime() + " ";
  line += LogLevelName(level);
  line += " " + TextLine(message, fields) + "\n";
  // One write: lines of threads do not mix. There is no place to tell of a failure.
  (void)!write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace downwardfs
