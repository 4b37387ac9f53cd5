// SPDX-License-Identifier: Apache-2.0
//
// An API object as YAML in the shape of `kubectl get -o yaml`: sorted keys, lists at the indent of
// their key, text with newlines as literal blocks. A string is quoted exactly where a parser of
// YAML 1.1 or 1.2 would read it as something else. Numbers keep their text; bytes that are not
// UTF-8 become U+FFFD, as in DumpJson. Lines are never folded. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "fs/projection/document.h"

namespace downwardfs {

/// `value` as one YAML document, ending in a newline.
std::string DumpYaml(const Json& value);

/// Whether a plain (unquoted) `text` would be read as null, a boolean, a number, a date or a merge
/// key by YAML 1.1 or 1.2.
bool YamlReadsAsOther(std::string_view text);

}  // namespace downwardfs
