// SPDX-License-Identifier: Apache-2.0
//
// Opens the inputs of a daemon that may not open them itself: without capabilities uid 0 enters no
// home of mode 0700, and a daemon is one user where its inputs may be several users'. And it should
// not where another user owns the path: a symlink there could lead root to any file of root's. An
// opener is a process of the user who may read the files (never one with a capability), forked by
// the holder for each daemon. It opens the files that the command line names, again for each
// question, so that a file that was replaced is found, and passes their descriptors. A path that
// leads elsewhere by now leads no further than that user may go. It ends with the daemon.
//
// A SOCK_SEQPACKET pair: a number of 8 bytes and a path; the number, the errno as an int, and the
// descriptor if that is 0. One thread on each side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/privileges.h"

namespace downwardfs {

/// The environment variable in which a daemon finds the connections to its openers: "5,7".
inline constexpr char kOpenersVariable[] = "DOWNWARDFS_OPENER_FDS";

/// Files that this user opens.
struct InputsOf {
  RunAs who;
  std::vector<std::string> paths;  ///< absolute
};

/// "UID:GID:PATH" of a command line, added to those of the same user. False if it is not one.
bool AddInput(const std::string& text, std::vector<InputsOf>& inputs);

/// Forks an opener. Returns the daemon's end of the connection. `mount_namespace`: where the paths
/// are, an open file; -1: ours.
Result<OwnedFd> StartInputOpener(const InputsOf& inputs, int mount_namespace);

/// The daemon's side: asks the opener at `connection`. `serial` is another one each time. Empty,
/// with errno, if the file cannot be opened; ETIMEDOUT if it does not answer, because the file
/// system does not. Nothing if the file is not one of the opener's.
std::optional<OwnedFd> AskInputOpener(int connection, std::uint64_t serial,
                                      const std::string& path);

}  // namespace downwardfs
