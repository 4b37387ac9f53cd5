// SPDX-License-Identifier: Apache-2.0
//
// The meaning of a YAML scalar, as kubectl reads it: YAML 1.1 in the dialect of go-yaml v2, which
// sigs.k8s.io/yaml turns into JSON. `yes`, `on` and `y` are booleans, 0777 is octal, 1_000 is an
// integer, 09 a float, timestamps stay strings. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace downwardfs {

/// A resolved scalar; nullptr_t is YAML's null.
using YamlValue =
    std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string>;

/// Resolves `text`. `plain` is false for quoted and block scalars, which are strings unless a tag
/// says otherwise. `tag` is empty or a full tag ("tag:yaml.org,2002:int"); a tag that we do not
/// know (`!vault`) leaves a string, and !!binary is the bytes that its base64 stands for.
/// kInvalidArgument if the text does not fit the tag; the message does not quote the text.
Result<YamlValue> ResolveYamlScalar(std::string_view text, bool plain, std::string_view tag);

/// Whether a plain `text` is one of the words that mean null, a boolean, infinity or NaN.
bool IsYamlWord(std::string_view text);

/// A finite number as Go's encoding/json prints it: 1e3 is "1000", 1e21 is "1e+21".
std::string YamlNumberText(double value);

/// The key of a JSON object, as sigs.k8s.io/yaml makes it: `80: x` is "80", `yes: x` is "true". A
/// null, and an integer above 2^63-1, cannot be a key.
Result<std::string> YamlValueToKey(YamlValue value);

}  // namespace downwardfs
