// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/mount_point.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "mount-helper/mount_identity.h"

namespace downwardfs {
namespace {

std::string Context(const std::string& path) {
  return "mount point " + path;
}

bool FindsInPath(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    std::string candidate = rest.substr(0, colon);
    rest.erase(0, colon == std::string::npos ? rest.size() : colon + 1);
    if (candidate.empty()) continue;
    candidate += '/';
    candidate += program;
    if (access(candidate.c_str(), X_OK) == 0) return true;
  }
  return false;
}

}  // namespace

Result<MountPoint> OpenMountPoint(const std::string& path, bool over_mounts) {
  MountPoint place;
  // Neither O_DIRECTORY nor a slash at the end: both set off an autofs trigger.
  const auto last = path.find_last_not_of('/');
  const std::string name = last == std::string::npos ? path : path.substr(0, last + 1);
  place.directory.Reset(open(name.c_str(), O_PATH | O_CLOEXEC));
  if (!place.directory) {
    if (errno == ENOTCONN) {
      return Fail(
          ErrorCode::kAlreadyExists,
          Context(path) + ": busy with a FUSE mount whose daemon is gone; unmount it first");
    }
    return Fail(ErrnoError(errno, Context(path)));
  }
  struct statx st = {};
  constexpr int kQuestion = AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  if (statx(place.directory.get(), "", kQuestion, STATX_TYPE, &st) != 0) {
    return Fail(ErrnoError(errno, Context(path)));
  }
  if (!S_ISDIR(st.stx_mode)) {
    return Fail(ErrorCode::kInvalidArgument, Context(path) + ": not a directory");
  }
  auto real = PathOfDescriptor(place.directory.get());
  if (!real) return Fail(std::move(real.error()));
  place.path = std::move(*real);
  // By the descriptor: the table may also have a mount of that path which nobody can reach.
  const auto below = MountOf(place.directory.get());
  if (!below) return Fail(below.error());
  const bool busy = below->has_value() && (*below)->mount_point == place.path;
  if (busy && !over_mounts && (*below)->fs_type != "autofs") {
    return Fail(ErrorCode::kAlreadyExists,
                Context(path) + ": busy: " + (*below)->fs_type +
                    " is mounted there already (--over-mounts mounts over it)");
  }
  const std::string held = "/proc/self/fd/" + std::to_string(place.directory.get());
  if (geteuid() != 0 && access(held.c_str(), W_OK) != 0) {
    return Fail(ErrorCode::kPermissionDenied,
                Context(path) + ": not writable for you, and fusermount3 demands that");
  }
  return place;
}

Status CheckFuseAvailable() {
  if (geteuid() != 0 && !FindsInPath("fusermount3")) {
    return Fail(ErrorCode::kFailedPrecondition,
                "fusermount3: not found in PATH; an ordinary user needs it to mount "
                "(Debian: apt-get install fuse3)");
  }
  // fusermount3 opens the device as the user who calls it.
  const OwnedFd device(open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (device) return {};
  const int why = errno;
  const bool absent = why == ENOENT || why == ENXIO || why == ENODEV;
  return Fail(ErrorCode::kFailedPrecondition,
              ErrnoError(why, "/dev/fuse").message +
                  (absent ? "; load the module (modprobe fuse) or give the container the device"
                          : "; a mount needs read and write access to the FUSE device"));
}

}  // namespace downwardfs
