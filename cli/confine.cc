// SPDX-License-Identifier: Apache-2.0
#include "cli/confine.h"

#include <unistd.h>

#include "base/log.h"
#include "base/log_keys.h"
#include "mount-helper/confinement.h"
#include "mount-helper/syscall_filter.h"

namespace downwardfs {

void ConfineDaemon(bool runs_program, const std::vector<std::string>& writable) {
  ForbidDumps();
  const auto role = runs_program ? ProcessRole::kDaemonWithPrograms : ProcessRole::kDaemon;
  for (const Status& done :
       {runs_program ? ForbidSignals() : ForbidWrites({writable}), FilterSystemCalls(role)}) {
    if (done) continue;
    LogInfo("the kernel confines this process less", {{log_keys::kError, done.error().message}});
  }
}

bool MayRunProgram(const client::ServerFlags& server) {
  const auto config = client::ResolveClusterConfig(server);
  return !config || config->credentials->RunsProgram();
}

void ConfineSingleProcess() {
  ForbidDumps();
  if (geteuid() == 0) static_cast<void>(FilterSystemCalls(ProcessRole::kHolder));
}

}  // namespace downwardfs
