// SPDX-License-Identifier: Apache-2.0
// The manual page of the program, made from the very texts of --help, so that it never falls
// behind. For command_line.cc only.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace downwardfs {

/// downwardfs(1), as man(7) source.
std::string ManPage(const CLI::App& app);

}  // namespace downwardfs
