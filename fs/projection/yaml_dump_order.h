// SPDX-License-Identifier: Apache-2.0
// The order in which kubectl prints the keys of a map. A pure function; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace downwardfs {

/// Numbers within the keys by their value ("a9" before "a10"), what is no letter before letters
/// ("a-b" before "aB"), the rest by code point: keyList.Less of go-yaml v2. Keys are UTF-8.
void SortYamlKeys(std::vector<std::string_view>& keys);

}  // namespace downwardfs
