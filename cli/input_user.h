// SPDX-License-Identifier: Apache-2.0
// The users who read the inputs of root's mount. Without a capability uid 0 cannot enter a home of
// mode 0700; the owner of that home can. So the daemon becomes that user, if this user may read all
// inputs: it learns nothing then that the user could not read. The same holds for the user to whom
// a kubeconfig, a token file or a CA file belongs, or a directory above one, also if root may read
// it: this user decides which server gets the token and which program is run. If the inputs are
// several users', each file of the pod, the node and the items that the daemon may not read is
// opened by a process of a user who may (mount-helper/input_opener.h). So is each whose path is
// another user's, who could put a symlink to a file of root's there. Main thread, before any other
// exists.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "cli/command_line.h"
#include "mount-helper/privileges.h"

namespace downwardfs {

/// The users who read the inputs.
struct InputUsers {
  std::optional<RunAs> daemon;  ///< the user whom the daemon has to become; absent: root
  /// Files that it may not read, or should not, and who does.
  struct Opened {
    std::string path;
    RunAs by;
    bool denied = false;  ///< the daemon may not
  };
  std::vector<Opened> opened;
};

/// Nobody but root if root without capabilities may read all inputs (or if an input is wrong in
/// another way, which the daemon says itself). A child tries each input in the daemon's mount
/// namespace (-1: ours). kPermissionDenied if some input can be read neither by the daemon nor by
/// the owner of an input or of a directory above one. Paths are absolute.
Result<InputUsers> UsersOfInputs(const MountOptions& options, const OwnedFd& daemon_namespace);

}  // namespace downwardfs
