// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/file_contents.h"

#include <utility>

namespace downwardfs {

FileContents::FileContents(Bytes rendered, Render again)
    : again_(std::move(again)), kept_(std::make_shared<const Bytes>(std::move(rendered))) {}

FileContents::BytesPtr FileContents::Kept(bool for_reader) const {
  MutexLock lock(mutex_);
  if (for_reader) read_ = true;
  return kept_;
}

FileContents::BytesPtr FileContents::Read() const {
  if (auto kept = Kept(true)) return kept;
  MutexLock one_renders(rendering_);
  if (auto kept = Kept(true)) return kept;
  auto rendered = std::make_shared<const Bytes>(again_());
  MutexLock lock(mutex_);
  return kept_ = std::move(rendered);
}

FileContents::BytesPtr FileContents::Peek() const {
  if (auto kept = Kept(false)) return kept;
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
