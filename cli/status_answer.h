// SPDX-License-Identifier: Apache-2.0
// The words of a mount's daemon as JSON. Nothing proves that they are our daemon's: an ordinary
// user may mount a FUSE file system of our type, whose server answers anything. Any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "cli/ask_status.h"

namespace downwardfs {

/// The status that `answer` holds: an object, of which any member may be missing or of any type.
/// kInternal for anything else, and for one that is nested deeper than any status is.
Result<nlohmann::json> ParseStatus(const std::string& mount_point, const StatusAnswer& answer);

/// The member's value if it is a boolean, otherwise `otherwise`.
bool FlagIn(const nlohmann::json& status, const char* member, bool otherwise);

/// `value` for a person, in one line without control characters.
std::string PlainText(const nlohmann::json& value);

/// The text that a script reads; a terminal finds no control character in it.
std::string SafeStatusText(const nlohmann::json& status);

}  // namespace downwardfs
