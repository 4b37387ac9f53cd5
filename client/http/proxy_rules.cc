// SPDX-License-Identifier: Apache-2.0
#include "client/http/proxy_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "base/text.h"

namespace downwardfs::client {
namespace {

// IPv4 as ::ffff:a.b.c.d, as Go has it.
using Address = std::array<unsigned char, 16>;

std::optional<Address> ParseAddress(const std::string& text, bool* is_v4) {
  Address address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  *is_v4 = inet_pton(AF_INET, text.c_str(), address.data() + 12) == 1;
  if (*is_v4 || inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
  return std::nullopt;
}

bool IsLoopback(const Address& address, bool is_v4) {
  return is_v4 ? address[12] == 127
               : address == Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
}

bool InNetwork(const Address& address, const std::string& network) {
  const std::size_t slash = network.find('/');
  bool is_v4 = false;
  const auto base = ParseAddress(network.substr(0, slash), &is_v4);
  unsigned bits = 0;
  const char* const end = network.data() + network.size();
  const auto read = std::from_chars(network.data() + slash + 1, end, bits);
  if (!base || read.ec != std::errc() || read.ptr != end || bits > (is_v4 ? 32U : 128U)) {
    return false;
  }
  if (is_v4) bits += 96;
  for (unsigned i = 0; i < bits; ++i) {
    const unsigned mask = 0x80U >> (i % 8);
    if (((address[i / 8] ^ (*base)[i / 8]) & mask) != 0) return false;
  }
  return true;
}

// Splits "host:port" and "[::1]:port"; an address of IPv6 without brackets has no port.
UrlParts SplitEntry(const std::string& entry) {
  if (std::count(entry.begin(), entry.end(), ':') > 1 && !entry.starts_with('[')) {
    UrlParts parts;
    parts.host = entry;
    return parts;
  }
  return SplitUrl("x://" + entry);
}

bool EntryMatches(std::string_view written, const UrlParts& server, const std::string& port) {
  const std::string entry = AsciiLower(written);
  if (entry == "*") return true;
  bool is_v4 = false;
  const auto address = ParseAddress(server.host, &is_v4);
  if (entry.find('/') != std::string::npos) return address && InNetwork(*address, entry);
  const UrlParts parts = SplitEntry(entry);
  if (!parts.port.empty() && parts.port != port) return false;
  bool entry_is_v4 = false;
  if (const auto wanted = ParseAddress(parts.host, &entry_is_v4)) return address == wanted;
  std::string_view domain = parts.host;
  if (domain.starts_with("*.")) domain.remove_prefix(1);
  if (domain.empty() || address) return false;
  if (domain.starts_with('.')) return server.host.ends_with(domain);
  return server.host == domain || server.host.ends_with("." + std::string(domain));
}

std::string Variable(const char* upper, const char* lower) {
  for (const char* name : {upper, lower}) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    if (value != nullptr && value[0] != '\0') return value;
  }
  return {};
}

}  // namespace

bool BypassesProxy(const UrlParts& server, std::string_view no_proxy) {
  bool is_v4 = false;
  const auto address = ParseAddress(server.host, &is_v4);
  if (server.host == "localhost" || (address && IsLoopback(*address, is_v4))) return true;
  const std::string port = !server.port.empty()      ? server.port
                           : server.scheme == "http" ? "80"
                                                     : "443";
  constexpr char kSeparators[] = ", \t";
  while (!no_proxy.empty()) {
    const std::size_t size = std::min(no_proxy.find_first_of(kSeparators), no_proxy.size());
    if (size > 0 && EntryMatches(no_proxy.substr(0, size), server, port)) return true;
    no_proxy.remove_prefix(std::min(size + 1, no_proxy.size()));
  }
  return false;
}

std::string ProxyForCurl(std::string proxy) {
  constexpr std::string_view kScheme = "socks5://";
  const bool socks5 = proxy.size() > kScheme.size() &&
                      std::equal(kScheme.begin(), kScheme.end(), proxy.begin(), [](char a, char b) {
                        return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
                      });
  if (socks5) proxy.replace(0, kScheme.size(), "socks5h://");
  return proxy;
}

std::string ProxyForMessage(const std::string& proxy) {
  const std::size_t scheme = proxy.find("://");
  std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(proxy.find_first_of("/?#", begin), proxy.size());
  const std::string start = proxy.substr(0, begin);
  // A password may hold what ends a host; the last '@' ends it.
  if (const std::size_t at = proxy.rfind('@'); at != std::string::npos && at >= begin) {
    begin = at + 1;
    return start + proxy.substr(begin, proxy.find_first_of("/?#", begin) - begin);
  }
  return start + proxy.substr(begin, end - begin);
}

std::string EnvironmentProxy(std::string_view scheme) {
  return scheme == "https" ? Variable("HTTPS_PROXY", "https_proxy")
                           : Variable("HTTP_PROXY", "http_proxy");
}

std::string EnvironmentNoProxy() {
  return Variable("NO_PROXY", "no_proxy");
}

}  // namespace downwardfs::client
