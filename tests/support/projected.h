// SPDX-License-Identifier: Apache-2.0
// A file as a projection gives it, for the tests of what shows it. Any thread.
#pragma once

#include <string>
#include <utility>

#include "fs/projection/projected_file.h"

namespace downwardfs {

inline ProjectedFile File(std::string path, std::string content, std::uint32_t mode = 0644) {
  return {std::move(path), std::move(content), mode, "metadata.name", ""};
}

}  // namespace downwardfs
