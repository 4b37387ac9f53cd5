// SPDX-License-Identifier: Apache-2.0
#include "sources/watched_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.h"
#include "base/owned_fd.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kQuiet{100};       // an editor's pause between truncating and writing
constexpr milliseconds kPatience{250};    // how long a steady writer may hold a read off
constexpr milliseconds kLookAgain{1000};  // at a file that no event tells of
constexpr milliseconds kBrokenAt{1000};   // how long it may keep us from calling the file broken

std::string Absolute(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  char directory[PATH_MAX];
  if (getcwd(directory, sizeof directory) == nullptr) return path;
  return std::string(directory) + "/" + path;
}

// stat(2) of a file that somebody may have to open for us.
bool StatInput(const std::string& path, struct stat& st) {
  if (stat(path.c_str(), &st) == 0) return true;
  if (errno != EACCES) return false;
  const OwnedFd file = OpenToRead(path, O_NONBLOCK | O_NOCTTY);
  return file && fstat(file.get(), &st) == 0;
}

// /dev/fd/N and /proc/self/fd/N name an open file, which cannot be opened again by all its kinds.
bool IsWatchable(const std::string& path) {
  struct stat st = {};
  return path != "-" && path.rfind("/dev/", 0) != 0 && path.rfind("/proc/", 0) != 0 &&
         StatInput(path, st) && S_ISREG(st.st_mode);
}

std::int64_t Nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
}

bool SameTimes(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
         a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

// Reads a file that may be replaced by anything at any time: never waits for a FIFO's writer.
Result<std::string> ReadRegularFile(const std::string& path, const std::string& shown) {
  const OwnedFd fd = OpenToRead(path, O_NOCTTY | O_NONBLOCK);
  if (!fd) return Fail(ErrnoError(errno, shown));
  struct stat before = {};
  struct stat after = {};
  if (fstat(fd.get(), &before) != 0) return Fail(ErrnoError(errno, shown));
  if (!S_ISREG(before.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument, shown + ": no longer a regular file");
  }
  auto bytes = ReadAll(fd.get(), shown);
  if (!bytes) return bytes;
  if (fstat(fd.get(), &after) != 0) return Fail(ErrnoError(errno, shown));
  if (!SameTimes(before, after)) {
    return Fail(ErrorCode::kUnavailable, shown + ": written to while it was read");
  }
  return bytes;
}

}  // namespace

WatchedFile::WatchedFile(std::string path, Parser parser)
    : path_(std::move(path)),
      absolute_(Absolute(path_)),
      description_(path_ == "-" ? "standard input" : absolute_),
      parser_(parser),
      watchable_(IsWatchable(path_)) {}

Result<WatchedFile::Content> WatchedFile::Load() const {
  auto bytes = Read();
  if (!bytes) return Fail(std::move(bytes.error()));
  return Parse(*bytes);
}

Result<std::string> WatchedFile::Read() const {
  return watchable_ ? ReadRegularFile(absolute_, path_) : ReadFile(path_);
}

Result<WatchedFile::Content> WatchedFile::Parse(std::string_view bytes) const {
  auto content = parser_(bytes);
  if (!content) return Fail(std::move(content.error()), path_);
  return content;
}

Status WatchedFile::Watch() {
  if (!watchable_) return {};
  auto watcher = PathWatcher::Open(absolute_);
  if (!watcher) return Fail(std::move(watcher.error()), path_);
  watcher_.emplace(std::move(*watcher));
  if (watcher_->blind()) look_at_ = std::chrono::steady_clock::now();
  Note(PathChanges::Last::kComplete);
  return {};
}

void WatchedFile::Note(PathChanges::Last last) {
  if (last == PathChanges::Last::kNothing) return;
  const Time now = std::chrono::steady_clock::now();
  if (!dirty_since_) dirty_since_ = now;
  switch (last) {
    case PathChanges::Last::kTouched:
      if (due_) return;
      [[fallthrough]];
    case PathChanges::Last::kComplete:
      due_ = now;
      quiet_ = false;
      return;
    default:
      due_ = now + kQuiet;
      quiet_ = true;
  }
}

std::optional<WatchedFile::Time> WatchedFile::deadline() const {
  std::optional<Time> first;
  for (const auto& at : {due_, again_at_, look_at_}) {
    if (at && (!first || *at < *first)) first = at;
  }
  return first;
}

WatchedFile::Look WatchedFile::LookAt(const std::string& path) {
  struct stat st = {};
  if (!StatInput(path, st)) return {};
  return {st.st_dev, st.st_ino, st.st_size, Nanoseconds(st.st_mtim), Nanoseconds(st.st_ctim)};
}

void WatchedFile::LookIfBlind(Time now) {
  if (!watcher_->blind()) {
    look_at_.reset();
    return;
  }
  if (look_at_ && now < *look_at_) return;
  look_at_ = now + kLookAgain;
  const Look before = std::exchange(seen_, LookAt(absolute_));
  if (!(seen_ == before)) Note(PathChanges::Last::kComplete);
}

std::optional<Result<WatchedFile::Content>> WatchedFile::Poll() {
  if (!watcher_) return std::nullopt;
  Note(watcher_->Drain().last);
  LookIfBlind(std::chrono::steady_clock::now());
  if (again_at_ && *again_at_ <= std::chrono::steady_clock::now()) {
    again_at_.reset();
    watcher_->FollowIfLost();
    Note(PathChanges::Last::kComplete);
  }
  while (due_ && *due_ <= std::chrono::steady_clock::now()) {
    const bool was_quiet = quiet_;
    due_.reset();
    auto bytes = Read();
    auto content = bytes ? Parse(*bytes) : Result<Content>(Fail(bytes.error()));
    // After the parsing, not before: the notice of a write follows the bytes by a moment.
    const PathChanges meanwhile = watcher_->Drain();
    Note(meanwhile.last);
    const auto waited = std::chrono::steady_clock::now() - *dirty_since_;
    if (meanwhile.written && waited < kPatience) continue;
    if (content || (was_quiet && meanwhile.last == PathChanges::Last::kNothing) ||
        waited > kBrokenAt) {
      dirty_since_.reset();
      if (due_) dirty_since_ = std::chrono::steady_clock::now();
      again_at_.reset();
      if (bytes && !watcher_->lost()) {
        retry_.Succeeded();
      } else {
        retry_.Failed(std::chrono::steady_clock::now(), "");
        again_at_ = retry_.at();
      }
      return content;
    }
    if (!due_) Note(PathChanges::Last::kWritten);
  }
  return std::nullopt;
}

}  // namespace downwardfs
