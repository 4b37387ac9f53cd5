// SPDX-License-Identifier: Apache-2.0
// The flags of SOURCE, the same for every command that takes one. For command_line.cc only.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/command_line.h"

namespace downwardfs {

/// Adds them to `command`; which exclude each other is checked by the parser.
void AddSource(CLI::App* command, SourceOptions& source);

}  // namespace downwardfs
