// SPDX-License-Identifier: Apache-2.0
// `downwardfs umount`: unmounts what downwardfs has mounted, as root or with fusermount3.
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/mount_at.h"
#include "mount-helper/mount_identity.h"
#include "mount-helper/mount_table.h"

namespace downwardfs {
namespace {

Status AsRoot(const MountEntry& mount, bool lazy) {
  auto done = RemoveMount(mount.id, mount.device, lazy ? MNT_DETACH : 0);
  if (done) return done;
  const std::string& path = mount.mount_point;
  Error error = std::move(done.error());
  error.message = Concat({path, ": ", error.message});
  if (error.code == ErrorCode::kUnavailable) {
    error.message += ": a shell stands in it or a file is open (`fuser -vm " + path +
                     "` names them); --lazy takes it away now and ends it with its last user";
  }
  return Fail(std::move(error));
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
  auto done = geteuid() == 0 ? AsRoot(**mount, options.lazy) : AsUser(path, options.lazy);
  if (!done) return Fail(std::move(done.error()));
  return 0;
}

}  // namespace downwardfs
