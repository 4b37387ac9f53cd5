// SPDX-License-Identifier: Apache-2.0
// How the daemons confine themselves (mount-helper/confinement.h, syscall_filter.h). Main thread,
// before there is another; the log is set up, nothing is served yet.
#pragma once

#include <string>
#include <vector>

#include "base/log_setup.h"
#include "base/result.h"
#include "client/config/cluster_config.h"

namespace downwardfs {

/// A daemon that has no right. It mounts nothing and signals nobody; unless `runs_program`, it also
/// runs nothing and writes only at and below `writable`, and in the directory of its log, in which
/// a file that was rotated away has a successor. The log says what the kernel does not have.
void ConfineDaemon(bool runs_program, const std::vector<std::string>& writable,
                   const LogOptions& log);

/// True if credentials for this server come from a program (a kubeconfig's `exec`), or nobody knows
/// yet: the kubeconfig cannot be read now.
bool MayRunProgram(const Result<client::ClusterConfig>& server);

/// A process that mounts for itself alone (--no-holder, a tree, an ordinary user): no dumps and, as
/// root, no call that none of ours makes. fusermount3, which an ordinary user needs, gets its
/// rights by exec, which a filter would forbid.
void ConfineSingleProcess();

}  // namespace downwardfs
