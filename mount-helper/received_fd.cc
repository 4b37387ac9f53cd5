// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/received_fd.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string_view>

namespace downwardfs {
namespace {

constexpr unsigned kFuseMajor = 10;  // Documentation/admin-guide/devices.txt: misc, fuse
constexpr unsigned kFuseMinor = 229;

// Nothing where it is no socket, or does not say.
int SocketOption(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// Not hugetlbfs, which has seals too: there the first access to a page may raise SIGBUS.
bool IsSealedMemory(int fd) {
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) return false;
  struct statfs fs = {};
  return fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

// A device's inode is of any file system, but what was opened through it is the device.
bool IsFuseDevice(int fd) {
  struct statx st = {};
  return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) == 0 &&
         S_ISCHR(st.stx_mode) && st.stx_rdev_major == kFuseMajor && st.stx_rdev_minor == kFuseMinor;
}

}  // namespace

FdKind KindOf(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return FdKind::kUnknown;
  if ((flags & O_PATH) != 0) return FdKind::kPathOnly;
  if (const int domain = SocketOption(fd, SO_DOMAIN); domain >= 0) {
    // One of a network may linger when it is closed (SO_LINGER).
    return domain == AF_UNIX ? FdKind::kUnixSocket : FdKind::kUnknown;
  }
  if (IsSealedMemory(fd)) return FdKind::kMemory;
  return IsFuseDevice(fd) ? FdKind::kFuseDevice : FdKind::kUnknown;
}

bool IsOwnListener(int fd, const std::string& path) {
  if (SocketOption(fd, SO_DOMAIN) != AF_UNIX || SocketOption(fd, SO_TYPE) != SOCK_STREAM ||
      SocketOption(fd, SO_ACCEPTCONN) != 1) {
    return false;
  }
  ucred who = {};
  socklen_t size = sizeof who;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || who.uid != geteuid()) {
    return false;
  }
  sockaddr_un address = {};
  size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  const std::size_t length = size - offsetof(sockaddr_un, sun_path);
  return size > offsetof(sockaddr_un, sun_path) &&
         std::string_view(address.sun_path, strnlen(address.sun_path, length)) == path;
}

}  // namespace downwardfs
