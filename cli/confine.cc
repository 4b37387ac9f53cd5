// SPDX-License-Identifier: Apache-2.0
#include "cli/confine.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "base/log.h"
#include "base/log_keys.h"
#include "mount-helper/confinement.h"
#include "mount-helper/syscall_filter.h"

namespace downwardfs {

namespace {

// The directory in which a log file is made anew (base/log_file.h).
std::vector<std::string> FoldersOf(const LogOptions& log) {
  std::error_code error;
  const auto file = std::filesystem::canonical(log.file, error);
  if (log.file.empty() || error || !std::filesystem::is_regular_file(file, error)) return {};
  return {file.parent_path().string()};
}

}  // namespace

void ConfineDaemon(bool runs_program, const std::vector<std::string>& writable,
                   const LogOptions& log) {
  ForbidDumps();
  const WritablePlaces places = {writable, -1, FoldersOf(log)};
  const auto role = runs_program ? ProcessRole::kDaemonWithPrograms : ProcessRole::kDaemon;
  for (const Status& done :
       {runs_program ? ForbidSignals() : ForbidWrites(places), FilterSystemCalls(role)}) {
    if (done) continue;
    LogInfo("the kernel confines this process less", {{log_keys::kError, done.error().message}});
  }
}

bool MayRunProgram(const Result<client::ClusterConfig>& server) {
  return !server || server->credentials->RunsProgram();
}

void ConfineSingleProcess() {
  ForbidDumps();
  if (geteuid() == 0) static_cast<void>(FilterSystemCalls(ProcessRole::kHolder));
}

}  // namespace downwardfs
