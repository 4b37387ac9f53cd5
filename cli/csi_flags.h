// SPDX-License-Identifier: Apache-2.0
// The flags of `downwardfs csi`, which `downwardfs-csi` takes too. For what parses a command line
// only.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/command_line.h"

namespace downwardfs {

void AddCsiFlags(CLI::App* command, CsiOptions& options);

/// The contradiction between the values; empty if they agree.
std::string CsiContradiction(const CsiOptions& options);

/// The rest follows from the kubelet's directory: the paths that were not given.
void FillInCsiPaths(CsiOptions& options);

}  // namespace downwardfs
