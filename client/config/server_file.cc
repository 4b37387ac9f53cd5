// SPDX-License-Identifier: Apache-2.0
#include "client/config/server_file.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>

#include "base/file.h"

namespace downwardfs::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{2};

bool NamesADescriptor(const std::string& path) {
  return path == "-" || path.starts_with("/dev/fd/") || path.starts_with("/dev/stdin") ||
         path.starts_with("/proc/self/fd/");
}

}  // namespace

Result<std::string> ReadServerFile(const std::string& path, std::size_t limit) {
  if (NamesADescriptor(path)) return ReadFile(path, limit);
  const OwnedFd file = OpenToRead(path, O_NOCTTY | O_NONBLOCK);
  if (!file) return Fail(ErrnoError(errno, path));
  const auto deadline = steady_clock::now() + kPatience;
  std::string bytes;
  char chunk[16384];
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    pollfd ready = {file.get(), POLLIN, 0};
    const int events = poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (events < 0 && errno == EINTR) continue;
    if (events == 0) {
      return Fail(ErrorCode::kDeadlineExceeded,
                  path + ": it is no regular file, and nothing comes from it (waited 2 s)");
    }
    const ssize_t n = read(file.get(), chunk, sizeof chunk);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return Fail(ErrnoError(errno, path));
    if (n == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(n) > limit) {
      return Fail(ErrorCode::kResourceExhausted,
                  path + ": larger than " + std::to_string(limit) + " bytes");
    }
    bytes.append(chunk, static_cast<std::size_t>(n));
  }
}

}  // namespace downwardfs::client
