// SPDX-License-Identifier: Apache-2.0
// The things of its caller that a mount takes, and those that it leaves: files that are named
// relative to the caller's directory, that directory itself, and open files. Main thread, before
// any other exists.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command_line.h"

namespace downwardfs {

/// Makes absolute what the options and $KUBECONFIG, $SSL_CERT_FILE and $SSL_CERT_DIR name relative
/// to options.directory, which becomes the working directory if it is empty and needed. "-" stays.
Status ResolveInputs(MountOptions& options);

/// Goes to the root directory and closes every descriptor that the caller has left open, but for
/// standard input, output and error and for those that an input is read from (/dev/fd/N): a lock, a
/// pipe or a file system of the caller's is not held for as long as the mount is.
void LeaveCaller(const MountOptions& options);

/// The N of each input that is /dev/fd/N or /proc/self/fd/N, above standard error.
std::vector<int> InputDescriptors(const MountOptions& options);

/// The files that the options name for the daemon to read or write: the inputs and the log.
std::vector<std::string> InputPaths(const MountOptions& options);

/// True for /dev/fd/N and the like: what is read from it is gone then.
bool IsDescriptor(const std::string& path);

/// Closes them. They have been read, once.
void CloseInputDescriptors(const MountOptions& options);

}  // namespace downwardfs
