// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/file_contents.h"

#include <utility>

namespace downwardfs {

FileContents::FileContents(Bytes rendered, Render again)
    : again_(std::move(again)), kept_(std::make_shared<const Bytes>(std::move(rendered))) {}

FileContents::BytesPtr FileContents::Read() const {
  MutexLock lock(mutex_);
  read_ = true;
  // Rendered under the lock: of several first readers one does the work.
  if (!kept_) kept_ = std::make_shared<const Bytes>(again_());
  return kept_;
}

FileContents::BytesPtr FileContents::Peek() const {
  {
    MutexLock lock(mutex_);
    if (kept_) return kept_;
  }
  return std::make_shared<const Bytes>(again_());
}

void FileContents::DropUnlessRead() {
  MutexLock lock(mutex_);
  if (!read_ && again_) kept_.reset();
}

bool FileContents::was_read() const {
  MutexLock lock(mutex_);
  return read_;
}

std::uint64_t FileContents::kept_bytes() const {
  MutexLock lock(mutex_);
  std::uint64_t bytes = 0;
  if (kept_) {
    for (const std::string& content : *kept_) bytes += content.size();
  }
  return bytes;
}

}  // namespace downwardfs
