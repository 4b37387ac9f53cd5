// SPDX-License-Identifier: Apache-2.0
// The status of a mount for those who may read its files: the state of the pod's data, and
// nothing of the machine, the server or our processes. Any thread.
#pragma once

#include <string>

namespace downwardfs {

/// The members of the full status (JSON) that concern the pod, by a list, so that a member that is
/// added to the full status stays private. Process ids and the source are null, errors say no more
/// than that there is one, and a problem that names an address or a path of the machine is
/// replaced.
/// "{}" if `full` is not a JSON object.
std::string PublicStatus(const std::string& full);

}  // namespace downwardfs
