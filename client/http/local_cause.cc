// SPDX-License-Identifier: Apache-2.0
#include "client/http/local_cause.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

#include <cerrno>

#include "base/owned_fd.h"

namespace downwardfs::client {
namespace {

std::string DescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return {};
  return " (its limit is " + std::to_string(limit.rlim_cur) + ")";
}

}  // namespace

std::optional<std::string> LocalCause(int errnum) {
  switch (errnum) {
    case EMFILE:
      return "this process has no file descriptor left" + DescriptorLimit() +
             "; raise `ulimit -n` or the service's LimitNOFILE=";
    case ENFILE:
      return "this machine has no file descriptor left; raise the sysctl fs.file-max or end what "
             "holds so many";
    case ENOMEM:
    case ENOBUFS:
      return "this machine has no memory left for a connection; raise the memory limit or end what "
             "uses so much";
    case EADDRNOTAVAIL:
      return "this machine has no local address or port left for a connection; see the sysctl "
             "net.ipv4.ip_local_port_range";
    case EPERM:
    case EACCES:
      return "this machine does not allow the connection; check its firewall and the security "
             "policy of this process";
    case ENETUNREACH:
    case ENETDOWN:
      return "this machine has no route to the server; check its network";
    default:
      return std::nullopt;
  }
}

int DescriptorShortage() {
  const OwnedFd one(eventfd(0, EFD_CLOEXEC));
  return !one && (errno == EMFILE || errno == ENFILE) ? errno : 0;
}

}  // namespace downwardfs::client
