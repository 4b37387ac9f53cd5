// SPDX-License-Identifier: Apache-2.0
// Mounting for the machine from a service that is confined to a mount namespace of its own
// (deploy/systemd). Main thread, before there is another.
#pragma once

#include <string>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

/// Joins the mount namespace that `file` is (/proc/PID/ns/mnt; "/dev/stdin", which is /dev/null
/// afterwards), and gives the one that was left, in which the daemon is started. The working
/// directory becomes "/". Needs CAP_SYS_ADMIN and CAP_SYS_CHROOT (setns(2)).
Result<OwnedFd> JoinMountNamespace(const std::string& file);

}  // namespace downwardfs
