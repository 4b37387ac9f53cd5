// SPDX-License-Identifier: Apache-2.0
// The version of the build, as `downwardfs --version` prints it. Any thread.
#pragma once

#include <string_view>

namespace downwardfs {

/// The project's version, `MAJOR.MINOR.PATCH`, from CMakeLists.txt.
std::string_view Version();

}  // namespace downwardfs
