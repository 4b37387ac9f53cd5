// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/mount_point.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "base/owned_fd.h"
#include "mount-helper/mount_table.h"

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

Result<std::string> CheckMountPoint(const std::string& path) {
  struct FreeDeleter {
    void operator()(char* p) const { std::free(p); }  // NOLINT: realpath(3) allocates with malloc
  };
  const std::unique_ptr<char, FreeDeleter> real(realpath(path.c_str(), nullptr));
  struct stat st = {};
  // A mount whose daemon is gone fails in stat, not always in realpath.
  if (!real || stat(real.get(), &st) != 0) {
    if (errno == ENOTCONN) {
      return Fail(
          ErrorCode::kAlreadyExists,
          Context(path) + ": busy with a FUSE mount whose daemon is gone; unmount it first");
    }
    return Fail(ErrnoError(errno, Context(path)));
  }
  const std::string absolute = real.get();
  if (!S_ISDIR(st.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument, Context(path) + ": not a directory");
  }
  auto mounted = FindMount(absolute);
  if (!mounted) return Fail(std::move(mounted.error()));
  if (mounted->has_value()) {
    return Fail(ErrorCode::kAlreadyExists,
                Context(path) + ": busy: " + (*mounted)->fs_type + " is mounted there already");
  }
  if (geteuid() != 0 && access(absolute.c_str(), W_OK) != 0) {
    return Fail(ErrorCode::kPermissionDenied,
                Context(path) + ": not writable for you, and fusermount3 demands that");
  }
  return absolute;
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
