// SPDX-License-Identifier: Apache-2.0
// A resolved environment as text for other programs. Any thread.
#pragma once

#include <string>
#include <vector>

#include "fs/projection/env.h"

namespace downwardfs {

enum class EnvFormat {
  /// NAME=value lines that docker compose, the common dotenv libraries and `set -a; . FILE` all
  /// read
  /// alike: bare where nothing in the value is special; double quotes where no `\`, `$`, backquote
  /// or double quote is in it; single quotes where neither `\` nor a single quote is; else double
  /// quotes with a backslash before each of those four. Newlines stand for themselves inside
  /// quotes.
  kDotenv,
  /// One JSON object, in the order of the variables. Bytes that are not UTF-8 become U+FFFD; beside
  /// such a value stand its exact bytes, in base64, under "NAME=base64" (no name has a '=').
  kJson,
  /// `export NAME='value'`, for eval in a POSIX shell. A name that no shell variable can have
  /// ("my.name") becomes a comment.
  kShell,
};

/// `variables` in that format; every line ends in a newline, and none comes of no variables but
/// for "{}" in JSON.
std::string FormatEnv(const std::vector<EnvVar>& variables, EnvFormat format);

}  // namespace downwardfs
