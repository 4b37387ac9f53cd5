// SPDX-License-Identifier: Apache-2.0
#include "base/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace downwardfs {

namespace {

// A terminal does not become that of our session.
constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
constexpr mode_t kMode = 0644;

}  // namespace

Status LogFile::Open() {
  // Nobody may read a FIFO, and the wait for a reader would be without end.
  const int flags = kFlags | O_NONBLOCK;
  file_ = resolved_ ? OpenWithoutLinks(path_, flags, kMode)
                    : OwnedFd(open(path_.c_str(), flags, kMode));
  if (!file_ && errno == ENXIO) {
    return Fail(ErrorCode::kFailedPrecondition, path_ + ": a FIFO that nobody reads, or no device");
  }
  if (!file_) return Fail(ErrnoError(errno, path_));
  fcntl(file_.get(), F_SETFL, O_APPEND);  // a reader gets every line
  std::error_code error;
  auto resolved = std::filesystem::canonical(path_, error);
  if (!error) path_ = resolved.string();
  return {};
}

bool LogFile::InPlace() const {
  struct stat ours = {};
  struct stat there = {};
  if (fstat(file_.get(), &ours) != 0 || !S_ISREG(ours.st_mode)) return true;
  return lstat(path_.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
         ours.st_ino == there.st_ino;
}

void LogFile::Reopen() {
  OwnedFd file = OpenWithoutLinks(path_, kFlags | O_NONBLOCK, kMode);
  struct stat st = {};
  if (file && fstat(file.get(), &st) == 0 && S_ISREG(st.st_mode)) file_ = std::move(file);
}

void LogFile::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  if (!InPlace()) Reopen();
  // Nobody can be told of a full disk.
  static_cast<void>(WriteAll(file_.get(), std::string_view(line.data(), line.size()), path_));
}

}  // namespace downwardfs
