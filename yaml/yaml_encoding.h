// SPDX-License-Identifier: Apache-2.0
//
// The encodings that kubectl reads YAML in: UTF-8, and UTF-16 with a byte order mark. kubectl cuts
// a file at its `---` lines before it reads the documents, so each of them may begin with a byte
// order mark. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace downwardfs {

/// `text` in UTF-8 without these marks; nothing if it is that already. UTF-8 is not checked.
/// kInvalidArgument: UTF-16 that is cut off or has a lone surrogate.
Result<std::optional<std::string>> YamlTextInUtf8(std::string_view text);

}  // namespace downwardfs
