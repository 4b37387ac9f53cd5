// SPDX-License-Identifier: Apache-2.0
// The flags of WHAT, the same for every command that shows a pod. For command_line.cc only.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/command_line.h"

namespace downwardfs {

inline constexpr char kWhatGroup[] = "WHAT, which pod and what is shown of it";

void AddPod(CLI::App* command, std::string& pod);

/// The pod, and the items that are shown of it.
void AddWhat(CLI::App* command, WhatOptions& what);

/// The tree of a cluster instead; after AddWhat and AddSource.
void AddTree(CLI::App* command, WhatOptions& what);

}  // namespace downwardfs
