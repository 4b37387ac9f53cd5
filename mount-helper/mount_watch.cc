// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/mount_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace downwardfs {

Result<MountWatch> MountWatch::Open() {
  OwnedFd table(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!table) return Fail(ErrnoError(errno, "/proc/self/mountinfo"));
  return MountWatch(std::move(table));
}

std::optional<std::vector<MountEntry>> MountWatch::Read() {
  std::string text;
  char chunk[16384];
  if (lseek(table_.get(), 0, SEEK_SET) != 0) return std::nullopt;
  for (ssize_t n = 0; (n = read(table_.get(), chunk, sizeof chunk)) != 0;) {
    if (n < 0) return std::nullopt;
    text.append(chunk, static_cast<std::size_t>(n));
  }
  return ParseMountInfo(text);
}

std::optional<std::string> MountWatch::PathOf(int mount_id, const std::string& file_system) {
  const auto mounts = Read();
  if (!mounts) return std::nullopt;
  return UncoveredPath(*mounts, mount_id, file_system);
}

bool MountWatch::IsMounted(int mount_id, const std::string& file_system) {
  const auto mounts = Read();
  if (!mounts) return true;
  return std::any_of(mounts->begin(), mounts->end(), [&](const MountEntry& mount) {
    return mount.id == mount_id && mount.device == file_system;
  });
}

}  // namespace downwardfs
