// SPDX-License-Identifier: Apache-2.0
//
// Why no connection could be made, where the reason lies on this machine and not at the server: no
// file descriptor left, no memory, no route, a firewall's rule. Any thread.
// Source of the numbers: socket(2), connect(2).
#pragma once

#include <optional>
#include <string>

namespace downwardfs::client {

/// The thing that is missing here and the way to mend it, if `errnum` (of socket or connect; 0 if
/// it is not known) says so. "the process has no file descriptor left (it may have 40); raise ..."
std::optional<std::string> LocalCause(int errnum);

/// The errno that this process would get now for one more descriptor; 0 if it gets one. For calls
/// of a library that needs descriptors and does not say why it failed.
int DescriptorShortage();

}  // namespace downwardfs::client
