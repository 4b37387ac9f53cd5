// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/libfuse_log.h"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <cstdarg>
#include <cstdio>

#include "base/mutex.h"
#include "base/text.h"

namespace downwardfs {
namespace {

Mutex mutex;
std::string collected GUARDED_BY(mutex);  // NOLINT: an empty string's constructor cannot throw

void Collect(fuse_log_level, const char* format, va_list args) {
  char line[512];
  // The format string is libfuse's own.
  const int n = std::vsnprintf(line, sizeof line, format, args);  // NOLINT
  MutexLock lock(mutex);
  if (n > 0 && collected.size() < 2000) collected += line;
}

}  // namespace

LibfuseLog::LibfuseLog() {
  MutexLock lock(mutex);
  collected.clear();
  fuse_set_log_func(&Collect);
}

std::string LibfuseLog::Text() {
  MutexLock lock(mutex);
  std::string line;
  for (const char c : collected) line += c == '\n' ? ' ' : c;
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return OneLine(line);
}

}  // namespace downwardfs
