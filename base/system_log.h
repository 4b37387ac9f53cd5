// SPDX-License-Identifier: Apache-2.0
// The machine's log, as syslog(3) writes to it, but without waiting: if whoever reads /dev/log is
// stopped or hangs, syslog(3) blocks its caller, and with it a mount. Such a line is lost. Each
// line has a connection of its own, so a reader that was started again gets the next one. Any
// thread.
#pragma once

namespace downwardfs {

/// The name before each line (a literal), and whether lines go to standard error too. Before any
/// thread; without this call the name is "downwardfs".
void SetSystemLog(const char* name, bool to_stderr);

/// As syslog(3), with the facility LOG_DAEMON and the process's id. Keeps errno.
void SystemLog(int priority, const char* format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace downwardfs
