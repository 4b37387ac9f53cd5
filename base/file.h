// SPDX-License-Identifier: Apache-2.0
// Whole files in and out, as values. Any thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

/// Opens a file for reading with `flags` beside O_RDONLY and O_CLOEXEC, unless somebody else opens
/// it for us (SetFileOpener()). Empty, with errno, on an error.
OwnedFd OpenToRead(const std::string& path, int flags = 0);

/// Opens certain files for this process; empty, with errno, if it cannot. Nothing: this file is not
/// one of them. Called from any thread.
using FileOpener = std::function<std::optional<OwnedFd>(const std::string& path)>;
/// Once, before there are other threads.
void SetFileOpener(FileOpener opener);

/// The bytes of the file `path` ("-" is standard input). kResourceExhausted over `limit` bytes, and
/// the errno's code with `path` named where it cannot be opened or read; a directory is refused.
Result<std::string> ReadFile(const std::string& path, std::size_t limit = std::size_t{64} << 20);

/// The bytes of the open file `fd` from where it stands to its end; `what` names it in errors.
Result<std::string> ReadAll(int fd, const std::string& what,
                            std::size_t limit = std::size_t{64} << 20);

/// Opens an absolute path on which no element is a symlink (openat2(2), Linux 5.6). A path that was
/// resolved once is walked again so: nobody who owns a directory on it can lead us elsewhere.
/// Close-on-exec is added to `flags`; `mode` is that of a file that O_CREAT makes. On an error the
/// result is empty and errno says why (ELOOP: a symlink).
OwnedFd OpenWithoutLinks(const std::string& path, int flags, mode_t mode = 0);

/// Writes all bytes to `fd`, in as many write(2) calls as it takes.
Status WriteAll(int fd, std::string_view bytes, std::string_view what);

}  // namespace downwardfs
