// SPDX-License-Identifier: Apache-2.0
#include "cli/ask_status.h"

#include <fcntl.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "base/ask_child.h"
#include "base/file.h"
#include "base/owned_fd.h"
#include "base/process.h"
#include "base/text.h"
#include "fs/fuse/operations.h"
#include "fs/fuse/status_pages.h"
#include "mount-helper/mount_identity.h"

namespace downwardfs {
namespace {

constexpr std::chrono::milliseconds kAnswerWithin{5000};
constexpr std::size_t kMaxBytes = 65536;  // XATTR_SIZE_MAX
constexpr std::size_t kLongestStatus = std::size_t{64} << 20;
constexpr int kAttempts = 5;

// "321 0:45", the mount that answers, comes before the answer.
std::string NameOf(const MountEntry& mount) {
  return Concat({std::to_string(mount.id), " ", mount.device});
}

// One attribute; nothing, with errno, if it cannot be read.
std::optional<std::string> ReadAttribute(const std::string& path, const std::string& name) {
  std::string value(kMaxBytes, '\0');
  const ssize_t n = getxattr(path.c_str(), name.c_str(), value.data(), value.size());
  if (n < 0) return std::nullopt;
  value.resize(static_cast<std::size_t>(n));
  return value;
}

// The status of `attribute`, page by page (fs/fuse/status_pages.h). Another daemon, or other
// askers, may come in between: then all begins again with another word.
std::optional<std::string> ReadPages(const std::string& root, const std::string& attribute) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::string word = std::to_string(getpid()) + "x" + std::to_string(attempt);
    std::string text;
    for (int number = 0;; ++number) {
      const auto page =
          ReadAttribute(root, Concat({attribute, ".", word, ".", std::to_string(number)}));
      if (!page && (errno != ENODATA || number == 0)) return std::nullopt;
      if (!page) break;
      text += *page;
      if (page->size() < kStatusPage) return text;
      if (text.size() > kLongestStatus) {
        errno = EFBIG;
        return std::nullopt;
      }
    }
  }
  errno = EAGAIN;
  return std::nullopt;
}

// The full status is root's; an ordinary user's own mount says all in the other. A daemon of an
// earlier version knows no pages.
std::optional<std::string> ReadStatus(const std::string& root) {
  std::optional<std::string> text;
  for (const auto read : {&ReadPages, &ReadAttribute}) {
    for (const char* const attribute : {kFullStatusXattr, kStatusXattr}) {
      text = read(root, attribute);
      if (text || (errno != ENODATA && errno != ENOTSUP && errno != EPERM)) return text;
    }
  }
  return text;
}

// The kernel passes every statfs(2) on, whatever the file's mode, and caches no answer.
std::optional<std::string> ReadAlive(const std::string& path) {
  struct statfs totals = {};
  if (statfs(path.c_str(), &totals) != 0) return std::nullopt;
  return "";
}

// Asks through the path of a descriptor; nothing, with errno, if it cannot be answered.
using Question = std::optional<std::string> (*)(const std::string& path);

// In the child: the mount and the answer to `fd`; the exit status is the errno. It may be there
// for long, so it holds nothing that somebody else waits for the end of. The directory is opened
// without a request to its file system, and what is asked is the mount that was looked up.
int Ask(Question question, const std::string& path, int fd) {
  constexpr int kPipe = 3;
  if (fd != kPipe && dup2(fd, kPipe) < 0) return EIO;
  fd = kPipe;
  if (const auto null = OpenNull()) LeaveStandardStreams(*null);
  close_range(kPipe + 1, ~0U, 0);
  const OwnedFd held(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!held) return errno < 256 ? errno : EIO;
  const auto mount = MountOf(held.get());
  if (!mount) return EIO;
  if (!*mount || !IsDownwardfs(**mount)) return ENODATA;
  const auto text = question("/proc/self/fd/" + std::to_string(held.get()));
  if (!text) return errno < 256 ? errno : EIO;
  return WriteAll(fd, Concat({NameOf(**mount), "\n", *text}), "pipe") ? 0 : EIO;
}

// Reads the child's answer. The mount is looked up again: it may be gone by now.
Result<StatusAnswer> Understand(const std::string& mount_point, const std::string& text) {
  const auto end = text.find('\n');
  auto table = ReadFile("/proc/self/mountinfo");
  if (!table) return Fail(std::move(table.error()));
  for (MountEntry& mount : ParseMountInfo(*table)) {
    if (end == std::string::npos || NameOf(mount) != text.substr(0, end)) continue;
    return StatusAnswer{std::move(mount), text.substr(end + 1)};
  }
  return Fail(ErrorCode::kUnavailable, mount_point + ": unmounted just now");
}

Error Explain(const std::string& mount_point, int errnum) {
  switch (errnum) {
    case ENODATA:
    case ENOTSUP:
      return Error{ErrorCode::kInvalidArgument, mount_point + ": not a downwardfs mount"};
    case ENOTCONN:
    case ECONNABORTED:
      return Error{ErrorCode::kUnavailable,
                   mount_point + ": the mount's daemon is gone; unmount it and mount again"};
    default:
      return ErrnoError(errnum, mount_point);
  }
}

// A daemon that hangs would hang us too, and a thread stuck in the kernel cannot be ended: so a
// child asks, and it is killed when it takes too long.
Result<std::string> AskInChild(Question question, const std::string& path) {
  auto answer = AskChild([&](int out) { return Ask(question, path, out); }, kAnswerWithin);
  if (!answer && answer.error().code == ErrorCode::kDeadlineExceeded) {
    return Fail(ErrorCode::kDeadlineExceeded,
                path + ": the mount's daemon does not answer (waited 5 s)");
  }
  if (!answer) return Fail(std::move(answer.error()));
  if (answer->exit_status < 0) return Fail(ErrorCode::kInternal, path + ": asking failed");
  if (answer->exit_status != 0) return Fail(Explain(path, answer->exit_status));
  return std::move(answer->text);
}

}  // namespace

Result<StatusAnswer> AskStatus(const std::string& mount_point) {
  const auto text = AskInChild(ReadStatus, mount_point);
  if (!text) return Fail(text.error());
  return Understand(mount_point, *text);
}

Status AskAlive(const std::string& path) {
  auto alive = AskInChild(ReadAlive, path);
  if (!alive) return Fail(std::move(alive.error()));
  return {};
}

}  // namespace downwardfs
