// SPDX-License-Identifier: Apache-2.0
// Tells systemd, where it has started us with Type=notify, how we are (sd_notify(3)).
#pragma once

#include <string>

namespace downwardfs {

/// Sends `state`, such as "READY=1", to $NOTIFY_SOCKET. Does nothing without it; a failure is of no
/// use to anybody and is dropped. Any thread that does not change the environment meanwhile.
void NotifySystemd(const std::string& state);

}  // namespace downwardfs
