// SPDX-License-Identifier: Apache-2.0
#include "base/tcp_listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"

namespace downwardfs {
namespace {

constexpr int kBacklog = 16;

struct Address {
  std::string host;
  std::string port;
};

std::optional<Address> Split(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  Address address = {text.substr(0, colon), text.substr(colon + 1)};
  std::string& host = address.host;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string::npos) return std::nullopt;
  } else if (host.find_first_of(":[]") != std::string::npos) {
    return std::nullopt;
  }
  const std::string& port = address.port;
  const bool digits = !port.empty() && port.size() <= 5 &&
                      port.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoi(port) > 65535) return std::nullopt;
  return address;
}

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressList Resolve(const Address& address) {
  addrinfo wanted = {};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* const host = address.host.empty() ? nullptr : address.host.c_str();
  if (getaddrinfo(host, address.port.c_str(), &wanted, &found) != 0) found = nullptr;
  return {found, &freeaddrinfo};
}

Result<OwnedFd> Listen(const addrinfo& at) {
  OwnedFd fd(socket(at.ai_family, at.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at.ai_protocol));
  if (!fd) return Fail(ErrnoError(errno, "socket"));
  const int on = 1;
  const int off = 0;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // All addresses are those of both protocols.
  if (at.ai_family == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (bind(fd.get(), at.ai_addr, at.ai_addrlen) != 0) return Fail(ErrnoError(errno, "bind"));
  if (listen(fd.get(), kBacklog) != 0) return Fail(ErrnoError(errno, "listen"));
  return fd;
}

}  // namespace

std::string AddressTrouble(const std::string& address) {
  const auto split = Split(address);
  if (split && Resolve(*split)) return "";
  return QuoteForMessage(address) +
         ": is not HOST:PORT, with an IP address ([::1] for IPv6), or nothing for all, as HOST";
}

Result<OwnedFd> ListenAtAddress(const std::string& address) {
  if (auto trouble = AddressTrouble(address); !trouble.empty()) {
    return Fail(ErrorCode::kInvalidArgument, std::move(trouble));
  }
  const AddressList all = Resolve(*Split(address));
  // IPv6 first, which serves both where HOST is empty.
  std::vector<const addrinfo*> order;
  for (const addrinfo* one = all.get(); one != nullptr; one = one->ai_next) order.push_back(one);
  std::stable_partition(order.begin(), order.end(),
                        [](const addrinfo* one) { return one->ai_family == AF_INET6; });
  Error last;
  for (const addrinfo* const one : order) {
    auto fd = Listen(*one);
    if (fd) return fd;
    last = fd.error();
  }
  return Fail(std::move(last), address);
}

}  // namespace downwardfs
