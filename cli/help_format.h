// SPDX-License-Identifier: Apache-2.0
/// @file
/// How --help breaks its lines. Owner: cli/command_line; one thread.
#pragma once

#include <memory>

namespace CLI {
class FormatterBase;
}

namespace downwardfs {

/// CLI11's own layout, with the texts broken between words at 60 columns and without its remarks on
/// options (REQUIRED, Excludes), which the texts say better.
std::shared_ptr<CLI::FormatterBase> HelpFormatter();

}  // namespace downwardfs
