// SPDX-License-Identifier: Apache-2.0
// Scripts that complete the command line in bash, zsh and fish, made from the very flags that the
// parser knows, so that they never fall behind. For command_line.cc only.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace downwardfs {

/// `shell`: "bash", "zsh" or "fish".
std::string CompletionScript(const CLI::App& app, const std::string& shell);

}  // namespace downwardfs
