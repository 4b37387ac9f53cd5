// SPDX-License-Identifier: Apache-2.0
// The flags of SOURCE, the same for every command that takes one. For command_line.cc only.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/command_line.h"

namespace downwardfs {

/// Those that say which API server and who we are to it. Returns the options.
std::vector<CLI::Option*> AddServer(CLI::App* command, client::ServerFlags& flags,
                                    const char* group);

/// Adds all to `command`; which exclude each other is checked by the parser.
void AddSource(CLI::App* command, SourceOptions& source);

/// The contradiction between the values of the flags, which the parser cannot see; empty if
/// they agree.
std::string ServerContradiction(const client::ServerFlags& flags);

}  // namespace downwardfs
