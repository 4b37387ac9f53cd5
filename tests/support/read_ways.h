// SPDX-License-Identifier: Apache-2.0
// The ways in which programs read a file: with the copying calls (read, pread, io_uring) and with
// those that go through the page cache (sendfile, splice, mmap, copy_file_range). None of them asks
// for the file's attributes, as stat(2) would. Any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace downwardfs::testing {

struct ReadWay {
  const char* name;
  /// The file from its start to its end, read through `file`; mappings know its size beforehand.
  /// Nothing if a call fails, with errno.
  std::optional<std::string> (*read)(int file, std::size_t size);
};

/// All that this kernel has.
const std::vector<ReadWay>& ReadWays();

}  // namespace downwardfs::testing
