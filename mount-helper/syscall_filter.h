// SPDX-License-Identifier: Apache-2.0
// The system calls that a process of ours may make (seccomp(2)), so that code that an attacker runs
// in it has a smaller kernel before it, and cannot do what the process never does. One filter for
// each kind of process. Before a process has a second thread, or with all of its threads at once.
//
// A dangerous call fails with EPERM, a socket of another family with EAFNOSUPPORT, and a call that
// is newer than this program with ENOSYS, so that a newer libc takes its other way. clone3(2) gets
// ENOSYS too. With DOWNWARDFS_FILTER=kill in the environment the first kind, and all that the
// publisher's list lacks, ends the process: so the tests find a call that we need.
#pragma once

#include "base/result.h"

namespace downwardfs {

enum class ProcessRole {
  kHolder,     ///< and those that it starts: what none of ours does, a credential plugin included
  kMounter,    ///< as kHolder; runs no program and has UNIX sockets alone
  kPublisher,  ///< the calls that it makes, and no other
  kDaemonWithPrograms,  ///< as kHolder; mounts nothing. A credential plugin runs in it
  /// The same; runs no program, changes no file's attributes, touches no other process, listens
  /// nowhere and connects to no service of the machine.
  kDaemon,
};

/// Sets no_new_privs, then the filter of `role`. It is added to those that the process inherited,
/// and no process gets rid of it. kUnavailable if the kernel or the container has no seccomp.
/// Nothing happens where confinement is off (confinement.h).
Status FilterSystemCalls(ProcessRole role);

/// For a process that keeps its privileges and has no log but syslog: ForbidDumps() and the filter
/// of `role`. syslog says what the kernel does not have.
void ConfinePrivileged(ProcessRole role);

/// True if this process has that filter already: a call that means nothing to the kernel gets an
/// answer that only our filter gives. A container's own filter does not count.
bool HasSystemCallFilter(ProcessRole role);

}  // namespace downwardfs
