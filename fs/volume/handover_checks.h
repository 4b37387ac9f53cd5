// SPDX-License-Identifier: Apache-2.0
// Rules for anything that is read from the handover memory, whoever wrote it: a record may
// have a good checksum and no sense. The layouts check in Check() that records fit together. Pure
// functions; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fs/projection/projected_file.h"

namespace downwardfs {

/// Inodes, versions and opens are numbered from 1 on and never again, so a higher number is no
/// number that a daemon gave.
inline constexpr std::uint64_t kHighestNumber = std::uint64_t{1} << 62;

/// A name in a directory, as the kernel takes it.
bool IsFileName(std::string_view name);

/// The files of one version: relative paths, none twice, none below another, modes of permission
/// bits.
bool AreFilesOfOneTree(const std::vector<ProjectedFile>& files);

/// One that can be added to without an overflow.
bool IsTime(std::chrono::system_clock::time_point time);

}  // namespace downwardfs
