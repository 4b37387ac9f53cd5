// SPDX-License-Identifier: Apache-2.0
//
// An API object as YAML, byte for byte as `kubectl get -o yaml` prints it: its order of keys
// (yaml_dump_order.h), its styles and folded lines (yaml_dump_writer.h). But a string is quoted
// wherever a parser of YAML 1.1 or 1.2 would read it as something else, which kubectl leaves out
// for a few; numbers keep their text; bytes that are not UTF-8 become U+FFFD, as in DumpJson. Any
// thread.
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
