// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/status_head.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/version.h"

namespace downwardfs {
namespace {

double Seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

nlohmann::json StatusHead(const std::string& mount_point,
                          std::chrono::steady_clock::time_point started,
                          const SourceState& source) {
  return {
      {"version", Version()},
      {"mountPoint", mount_point},
      {"daemonPid", getpid()},
      {"holderPid", nullptr},
      {"generation", 1},
      {"deaths", 0},
      {"uptimeSeconds", Seconds(std::chrono::steady_clock::now() - started)},
      {"source", source.description},
      {"connected", source.connected},
      {"dataAgeSeconds", Seconds(source.data_age)},
      {"lastError", source.last_error},
      {"lastFault", source.last_fault},
      {"faults", source.faults},
      {"requests", nlohmann::json::object()},
  };
}

std::string StatusText(const nlohmann::json& status) {
  return status.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace downwardfs
