// SPDX-License-Identifier: Apache-2.0
#include "client/config/rotating_file.h"

#include <utility>

#include "base/log.h"
#include "base/log_keys.h"
#include "client/config/server_file.h"

namespace downwardfs::client {

RotatingFile::RotatingFile(std::string path, const Clock& clock, std::chrono::seconds interval)
    : path_(std::move(path)), clock_(clock), interval_(interval) {}

Status RotatingFile::Load() {
  auto read = ReadServerFile(path_, kMaxBytes);
  if (!read) return Fail(std::move(read.error()));
  // Seen in the middle of being rewritten in place; neither a token nor a certificate is empty.
  if (read->find_first_not_of(" \t\r\n") == std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument, path_ + ": the file is empty");
  }
  if (!bytes_ || *bytes_ != *read) bytes_ = std::make_shared<const std::string>(std::move(*read));
  return {};
}

Result<RotatingFile::Bytes> RotatingFile::Get(bool force) {
  const MutexLock lock(mutex_);
  const auto now = clock_.Steady();
  if (bytes_ && !force && now < next_read_) return bytes_;
  next_read_ = now + interval_;
  const Status loaded = Load();
  if (loaded) {
    if (std::exchange(complained_, false)) {
      LogInfo("the file can be read again", {{log_keys::kFile, path_}});
    }
    return bytes_;
  }
  if (!bytes_ || force) return Fail(loaded.error());
  if (!std::exchange(complained_, true)) {
    LogWarning("the file cannot be read any more, its last content stays in use",
               {{log_keys::kFile, path_}, {log_keys::kError, loaded.error().message}});
  }
  return bytes_;
}

RotatingFile::Bytes RotatingFile::Fresh() const {
  const MutexLock lock(mutex_);
  return clock_.Steady() < next_read_ ? bytes_ : nullptr;
}

}  // namespace downwardfs::client
