// SPDX-License-Identifier: Apache-2.0
#include "client/http/request_target.h"

#include <cctype>

#include "base/text.h"

namespace downwardfs::client {
UrlParts SplitUrl(std::string_view url) {
  UrlParts parts;
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return parts;
  parts.scheme = AsciiLower(url.substr(0, scheme_end));
  url.remove_prefix(scheme_end + 3);
  const std::size_t authority_end = std::min(url.find_first_of("/?#"), url.size());
  std::string_view authority = url.substr(0, authority_end);
  parts.path = url.substr(authority_end);
  if (authority.starts_with('[')) {
    const std::size_t bracket = std::min(authority.find(']'), authority.size() - 1);
    parts.host = AsciiLower(authority.substr(1, bracket - 1));
    authority.remove_prefix(bracket + 1);
    if (authority.starts_with(':')) parts.port = authority.substr(1);
  } else {
    const std::size_t colon = authority.find(':');
    parts.host = AsciiLower(authority.substr(0, colon));
    if (colon != std::string_view::npos) parts.port = authority.substr(colon + 1);
  }
  return parts;
}

std::string Authority(const UrlParts& url) {
  const std::string port = !url.port.empty() ? url.port : url.scheme == "http" ? "80" : "443";
  const bool ipv6 = url.host.find(':') != std::string::npos;
  return (ipv6 ? "[" + url.host + "]" : url.host) + ":" + port;
}

std::string HostHeader(const UrlParts& url) {
  UrlParts shown = url;
  shown.host.resize(std::min(shown.host.find('%'), shown.host.size()));
  const std::string authority = Authority(shown);
  const std::string_view own_port = url.scheme == "http" ? ":80" : ":443";
  return authority.ends_with(own_port) ? authority.substr(0, authority.size() - own_port.size())
                                       : authority;
}

std::string ConnectAddress(const UrlParts& url) {
  constexpr std::string_view kEncodedPercent = "%25";
  UrlParts decoded = url;
  const std::size_t zone = decoded.host.find(kEncodedPercent);
  if (zone != std::string::npos) decoded.host.replace(zone, kEncodedPercent.size(), "%");
  return Authority(decoded);
}

std::optional<std::string> TargetOnSameServer(std::string_view server, std::string_view location) {
  const UrlParts from = SplitUrl(server);
  const UrlParts to = SplitUrl(location);
  if (from.scheme != to.scheme || Authority(from) != Authority(to)) return std::nullopt;
  std::string_view path = to.path;
  if (!path.starts_with(from.path)) return std::nullopt;
  path.remove_prefix(from.path.size());
  if (!path.starts_with('/')) return std::nullopt;
  return std::string(path);
}

std::string UrlEscape(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      escaped += c;
    } else {
      escaped += '%';
      escaped += kHex[byte >> 4];
      escaped += kHex[byte & 15];
    }
  }
  return escaped;
}

}  // namespace downwardfs::client
