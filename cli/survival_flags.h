// SPDX-License-Identifier: Apache-2.0
// The flags of whatever has a daemon that is started again: a mount with a holder, the node plugin.
// For what parses a command line only.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace downwardfs {

inline constexpr char kSurvivalGroup[] = "Surviving the daemon's death";

/// --watchdog, --run-as and --no-resend. `user`: the help of --run-as.
void AddSurvival(CLI::App* command, int& watchdog_ms, std::string& run_as, bool& resend,
                 const std::string& user);

}  // namespace downwardfs
