// SPDX-License-Identifier: Apache-2.0
#include "cli/mount_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "base/process.h"

namespace downwardfs {

Result<OwnedFd> JoinMountNamespace(const std::string& file) {
  const std::string context = "--mount-namespace " + file;
  const bool standard_input = file == "/dev/stdin";
  const OwnedFd opened(standard_input ? -1 : open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!standard_input && !opened) return Fail(ErrnoError(errno, context));
  OwnedFd left(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!left) return Fail(ErrnoError(errno, "/proc/self/ns/mnt"));
  if (setns(standard_input ? STDIN_FILENO : opened.get(), CLONE_NEWNS) != 0) {
    if (errno == EINVAL) return Invalid(context + ": is no mount namespace");
    return Fail(ErrnoError(errno, context));
  }
  if (standard_input) {
    // No process after this one needs it.
    const auto null = OpenNull();
    if (!null) return Fail(null.error());
    dup2(null->get(), STDIN_FILENO);
  }
  return left;
}

}  // namespace downwardfs
