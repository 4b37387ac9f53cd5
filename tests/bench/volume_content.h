// SPDX-License-Identifier: Apache-2.0
// The files of the volumes that are measured and put under stress. Every file of a version says the
// version's number over and over, so that a torn or a mixed read shows. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fs/projection/projected_file.h"

namespace downwardfs::bench {

/// The paths of a volume, sorted; "annotations" spans several pages.
const std::vector<std::string>& VolumePaths();

std::vector<ProjectedFile> NumberedFiles(std::uint64_t number);

/// The number that a whole content says; -1 where it is torn, mixed or empty.
std::int64_t NumberIn(std::string_view content);

}  // namespace downwardfs::bench
