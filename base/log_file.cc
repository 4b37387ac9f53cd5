// SPDX-License-Identifier: Apache-2.0
#include "base/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/file.h"

namespace downwardfs {

Status LogFile::Open() {
  // A terminal does not become that of our session.
  OwnedFd file(open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644));
  if (!file) return Fail(ErrnoError(errno, path_));
  file_ = std::move(file);
  return {};
}

bool LogFile::InPlace() const {
  struct stat ours = {};
  struct stat there = {};
  return stat(path_.c_str(), &there) == 0 && fstat(file_.get(), &ours) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

void LogFile::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  // The file of before takes the line if no other can be made. Of a full disk nobody can be told.
  if (!InPlace()) static_cast<void>(Open());
  static_cast<void>(WriteAll(file_.get(), std::string_view(line.data(), line.size()), path_));
}

}  // namespace downwardfs
