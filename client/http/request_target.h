// SPDX-License-Identifier: Apache-2.0
//
// URLs, as far as the transport must understand them. No I/O; any thread. Rule: RFC 3986.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace downwardfs::client {

/// scheme, host (without brackets), port ("" for the scheme's own) and path of a checked URL.
struct UrlParts {
  std::string scheme;
  std::string host;
  std::string port;
  std::string path;
};
UrlParts SplitUrl(std::string_view url);

/// host:port, brackets around an IPv6 address; the port spelled out.
std::string Authority(const UrlParts& url);

/// The same for a Host header: without the scheme's own port and without an IPv6 zone, which means
/// something on this machine alone.
std::string HostHeader(const UrlParts& url);

/// The same as curl's CURLOPT_CONNECT_TO has it: a zone is not percent-encoded.
std::string ConnectAddress(const UrlParts& url);

/// The target (path and query behind `server`) that a redirect to `location` means, if it stays on
/// the same scheme, host and port and below the server's path.
std::optional<std::string> TargetOnSameServer(std::string_view server, std::string_view location);

/// Percent-encodes all but unreserved characters: for one path segment or one query value.
std::string UrlEscape(std::string_view text);

}  // namespace downwardfs::client
