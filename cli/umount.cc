// SPDX-License-Identifier: Apache-2.0
// `downwardfs umount`: unmounts what downwardfs has mounted, as root or with fusermount3.
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "mount-helper/mount_table.h"

namespace downwardfs {
namespace {

// A path without symlinks but for its last element, and without a question to the file system that
// is mounted there: its daemon may hang.
Result<std::string> Absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error).lexically_normal();
  if (error) return Fail(ErrnoError(error.value(), path));
  // "k8s/" has an empty last element.
  const auto last = whole.has_filename() ? whole : whole.parent_path();
  const auto parent = std::filesystem::canonical(last.parent_path(), error);
  if (error) return Fail(ErrnoError(error.value(), path));
  return (parent / last.filename()).string();
}

// The mount at a path, or at what the path is a link to: `mount` has taken the link too.
Result<std::optional<MountEntry>> FindMountAt(std::string path) {
  constexpr int kLinks = 40;  // as the kernel
  for (int i = 0; i < kLinks; ++i) {
    auto at = Absolute(path);
    if (!at) return Fail(std::move(at.error()));
    auto mount = FindMount(*at);
    if (!mount || *mount) return mount;
    std::error_code error;
    const auto target = std::filesystem::read_symlink(*at, error);
    if (error) return mount;
    path = (std::filesystem::path(*at).parent_path() / target).string();
  }
  return Fail(ErrnoError(ELOOP, path));
}

Status AsRoot(const std::string& path, bool lazy) {
  if (umount2(path.c_str(), UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0) return {};
  if (errno != EBUSY) return Fail(ErrnoError(errno, path));
  return Fail(ErrorCode::kFailedPrecondition,
              path + ": in use: a shell stands in it or a file is open (`fuser -vm " + path +
                  "` names them); --lazy takes it away now and ends it with its last user");
}

Status AsUser(const std::string& path, bool lazy) {
  const pid_t child = fork();
  if (child < 0) return Fail(ErrnoError(errno, "fork"));
  if (child == 0) {
    execlp("fusermount3", "fusermount3", lazy ? "-uz" : "-u", "--", path.c_str(), nullptr);
    std::perror("downwardfs: fusermount3");
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return Fail(ErrorCode::kFailedPrecondition,
              path + ": fusermount3 did not unmount it (its message is above)");
}

}  // namespace

Result<int> RunUmount(const UmountOptions& options) {
  auto mount = FindMountAt(options.mount_point);
  if (!mount) return Fail(std::move(mount.error()));
  if (!*mount)
    return Fail(ErrorCode::kNotFound, options.mount_point + ": nothing is mounted there");
  const std::string& path = (*mount)->mount_point;
  if (!IsDownwardfs(**mount)) {
    return Fail(ErrorCode::kInvalidArgument,
                path + ": a mount of another kind (" + (*mount)->fs_type + ")");
  }
  auto done = geteuid() == 0 ? AsRoot(path, options.lazy) : AsUser(path, options.lazy);
  if (!done) return Fail(std::move(done.error()));
  return 0;
}

}  // namespace downwardfs
