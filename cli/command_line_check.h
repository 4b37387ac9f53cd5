// SPDX-License-Identifier: Apache-2.0
// Flags that do not go together, beyond what CLI11 is told of them. A pure function but for asking
// whether there is a terminal; main thread.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace downwardfs {

/// The fault of the command line; empty if it has none.
std::string CheckCommandLine(const CommandLine& line);

}  // namespace downwardfs
