// SPDX-License-Identifier: Apache-2.0
// A pod whose number stands in several files, so that a reader sees whether they are of one
// version.
#pragma once

#include <string>

namespace downwardfs::testing {

/// The items `a`, `d/b` and `d/long`, which all show the number.
extern const char kNumberedItems[];

/// The content of `d/long`, which spans pages; `n` is the number.
std::string NumberedFiller(const std::string& n);

/// The pod, as JSON.
std::string NumberedPod(int number);

}  // namespace downwardfs::testing
