// SPDX-License-Identifier: Apache-2.0
// The flags of SOURCE, the same for every command that takes one. For command_line.cc only.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/command_line.h"

namespace downwardfs {

/// Adds them to `command`; which exclude each other is checked by the parser.
void AddSource(CLI::App* command, SourceOptions& source);

/// What the values of the flags contradict in each other, which the parser cannot see; empty if
/// nothing.
std::string SourceContradiction(const SourceOptions& source);

}  // namespace downwardfs
