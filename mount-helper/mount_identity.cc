// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/mount_identity.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fstream>
#include <utility>

#include "base/file.h"

namespace downwardfs {
namespace {

// A directory above may be renamed between the look at the table and the walk.
constexpr int kTries = 10;

std::string DeviceOf(const struct statx& st) {
  return std::to_string(st.stx_dev_major) + ":" + std::to_string(st.stx_dev_minor);
}

// Of what is mounted on `name`. Nothing is asked for: so nobody is refused, and the file system's
// number and the mount's id come anyway.
bool IsMountedOn(int directory, const char* name, int mount_id, const std::string& device) {
  struct statx st = {};
  constexpr int kFlags = AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  if (statx(directory, name, kFlags, 0, &st) != 0 || DeviceOf(st) != device) return false;
  // Before Linux 5.8 the kernel does not say the id; the device is the mount's own all the same.
  if ((st.stx_mask & STATX_MNT_ID) == 0) return true;
  return st.stx_mnt_id == static_cast<std::uint64_t>(mount_id);
}

Result<std::vector<MountEntry>> ReadTable() {
  auto text = ReadFile("/proc/self/mountinfo");
  if (!text) return Fail(std::move(text.error()));
  return ParseMountInfo(*text);
}

}  // namespace

Result<std::string> PathOfDescriptor(int fd) {
  char real[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t n = readlink(link.c_str(), real, sizeof real);
  if (n <= 0) return Fail(ErrnoError(errno, link));
  return std::string(real, static_cast<std::size_t>(n));
}

int MountIdOf(int fd) {
  struct statx st = {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  if (statx(fd, "", kFlags, STATX_MNT_ID, &st) == 0 && (st.stx_mask & STATX_MNT_ID) != 0) {
    return static_cast<int>(st.stx_mnt_id);
  }
  // Before Linux 5.8.
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(fd));
  for (std::string word; info >> word;) {
    int id = -1;
    if (word == "mnt_id:" && info >> id) return id;
  }
  return -1;
}

std::string FileSystemOf(int fd) {
  struct statx st = {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  if (statx(fd, "", kFlags, 0, &st) != 0) return "";
  return DeviceOf(st);
}

Result<std::optional<MountEntry>> MountOf(int fd) {
  auto table = ReadTable();
  if (!table) return Fail(std::move(table.error()));
  const int id = MountIdOf(fd);
  const std::string device = FileSystemOf(fd);
  const auto found = std::find_if(table->begin(), table->end(), [&](const MountEntry& mount) {
    return mount.id == id && mount.device == device;
  });
  if (found == table->end()) return std::nullopt;
  return std::move(*found);
}

std::optional<int> ParentOf(int mount_id) {
  const auto table = ReadTable();
  if (!table) return std::nullopt;
  const auto found = std::find_if(table->begin(), table->end(),
                                  [&](const MountEntry& mount) { return mount.id == mount_id; });
  if (found == table->end()) return std::nullopt;
  return found->parent;
}

Result<MountedPlace> PlaceOfMount(int mount_id, const std::string& device) {
  for (int i = 0; i < kTries; ++i) {
    const auto table = ReadTable();
    if (!table) return Fail(table.error());
    const bool mounted = std::any_of(table->begin(), table->end(), [&](const MountEntry& mount) {
      return mount.id == mount_id && mount.device == device;
    });
    if (!mounted) return Fail(ErrorCode::kNotFound, "mounted no longer");
    const auto path = UncoveredPath(*table, mount_id, device);
    if (!path) return Fail(ErrorCode::kFailedPrecondition, "another mount lies over it");
    const auto slash = path->rfind('/');
    const std::string above = slash == 0 ? "/" : path->substr(0, slash);
    MountedPlace place;
    place.name = path->substr(slash + 1);
    place.parent.Reset(open(above.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!place.parent) continue;
    if (IsMountedOn(place.parent.get(), place.name.c_str(), mount_id, device)) return place;
  }
  return Fail(ErrorCode::kFailedPrecondition, "the directories above it change all the time");
}

Status RemoveMount(int mount_id, const std::string& device, int flags) {
  const auto place = PlaceOfMount(mount_id, device);
  if (!place) return Fail(place.error());
  const std::string held =
      "/proc/self/fd/" + std::to_string(place->parent.get()) + "/" + place->name;
  if (umount2(held.c_str(), flags | UMOUNT_NOFOLLOW) == 0) return {};
  if (errno == EBUSY) return Fail(ErrorCode::kUnavailable, "in use");
  return Fail(ErrnoError(errno, place->name));
}

OwnedFd OpenDirectoryAt(const MountedPlace& place) {
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  return OwnedFd(openat(place.parent.get(), place.name.c_str(), kFlags));
}

}  // namespace downwardfs
