// SPDX-License-Identifier: Apache-2.0
/// @file
/// How --help breaks its lines. Owner: cli/command_line; one thread.
#pragma once

#include <memory>

namespace CLI {
class FormatterBase;
}

namespace downwardfs {

/// CLI11's own layout, with lines of 80 columns at most, broken between words, and without its
/// remarks on options (REQUIRED, Excludes), which the texts say better.
std::shared_ptr<CLI::FormatterBase> HelpFormatter();

}  // namespace downwardfs
