// SPDX-License-Identifier: Apache-2.0
// Reads a file from which a server is found: a kubeconfig, or one that it names. Any thread.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace downwardfs::client {

/// The bytes of the file, as ReadFile() (base/file.h). A daemon reads these files again before it
/// serves, and while it does, and somebody may have put a FIFO there: such a one is waited for two
/// seconds, then it is kDeadlineExceeded. A descriptor's path (/dev/fd/N) is waited for without
/// limit, as the shell's `<(command)` is one.
Result<std::string> ReadServerFile(const std::string& path, std::size_t limit);

}  // namespace downwardfs::client
