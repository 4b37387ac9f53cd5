// SPDX-License-Identifier: Apache-2.0
// The flags of whatever stays: where its log lines go. For what parses a command line only.
#pragma once

#include <CLI/CLI.hpp>

#include "base/log_setup.h"

namespace downwardfs {

void AddLog(CLI::App* command, LogOptions& log);

}  // namespace downwardfs
