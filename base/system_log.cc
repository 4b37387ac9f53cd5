// SPDX-License-Identifier: Apache-2.0
#include "base/system_log.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <string>

#include "base/owned_fd.h"

namespace downwardfs {
namespace {

constexpr int kLongest = 8192;  // no line of ours is longer

const char* log_name = "downwardfs";
bool log_to_stderr = false;

// The form that syslog(3) gives a line (RFC 3164, 4.1.2): the C locale's month, local time.
std::string Stamp() {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[48];
  std::snprintf(text, sizeof text, "%s %2d %02d:%02d:%02d ", kMonths[local.tm_mon % 12],
                local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
  return text;
}

void Send(const std::string& line) {
  const OwnedFd log(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!log) return;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/dev/log");
  if (connect(log.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
  static_cast<void>(send(log.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

}  // namespace

void SetSystemLog(const char* name, bool to_stderr) {
  log_name = name;
  log_to_stderr = to_stderr;
}

void SystemLog(int priority, const char* format, ...) {
  const int before = errno;
  char text[kLongest];
  std::va_list arguments;
  va_start(arguments, format);
  // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is not seen for what it is
  const int length = std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length >= 0) {
    std::string line = std::string(log_name) + "[" + std::to_string(getpid()) + "]: ";
    line.append(text, static_cast<std::size_t>(std::min(length, kLongest - 1)));
    if (log_to_stderr) dprintf(STDERR_FILENO, "%s\n", line.c_str());
    Send("<" + std::to_string(LOG_DAEMON | priority) + ">" + Stamp() + line);
  }
  errno = before;
}

}  // namespace downwardfs
