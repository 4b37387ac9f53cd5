// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace downwardfs {

namespace {

FileOpener& Opener() {
  static FileOpener opener;
  return opener;
}

}  // namespace

void SetFileOpener(FileOpener opener) {
  Opener() = std::move(opener);
}

OwnedFd OpenToRead(const std::string& path, int flags) {
  if (Opener()) {
    if (auto file = Opener()(path)) return std::move(*file);
  }
  return OwnedFd(open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
}

Result<std::string> ReadFile(const std::string& path, std::size_t limit) {
  const bool is_stdin = path == "-";
  const OwnedFd owned = is_stdin ? OwnedFd() : OpenToRead(path, O_NOCTTY);
  const int fd = is_stdin ? STDIN_FILENO : owned.get();
  if (fd < 0) return Fail(ErrnoError(errno, path));
  return ReadAll(fd, path, limit);
}

Result<std::string> ReadAll(int fd, const std::string& what, std::size_t limit) {
  std::string bytes;
  struct stat st = {};
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && static_cast<std::size_t>(st.st_size) <= limit) {
    bytes.reserve(static_cast<std::size_t>(st.st_size) + 1);
  }
  char chunk[65536];
  for (;;) {
    const ssize_t n = read(fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(ErrnoError(errno, what));
    if (n == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(n) > limit) {
      return Fail(ErrorCode::kResourceExhausted,
                  what + ": larger than " + std::to_string(limit) + " bytes");
    }
    bytes.append(chunk, static_cast<std::size_t>(n));
  }
}

OwnedFd OpenWithoutLinks(const std::string& path, int flags, mode_t mode) {
  open_how how = {};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_NO_SYMLINKS;
  return OwnedFd(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
}

Status WriteAll(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(ErrnoError(errno, what));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace downwardfs
