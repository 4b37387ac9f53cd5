// SPDX-License-Identifier: Apache-2.0
#include "client/config/server_url.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace downwardfs::client {
namespace {

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// The fault of `authority` (host[:port], IPv6 in brackets); empty if all is well.
std::string_view AuthorityProblem(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  if (!authority.empty() && authority[0] == '[') {
    const auto end = authority.find(']');
    if (end == std::string_view::npos || end < 3) return "has a broken IPv6 address";
    host = authority.substr(1, end - 1);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.%") == 0)
      return "has a broken IPv6 address";
    port = authority.substr(end + 1);
    if (!port.empty() && port[0] != ':') return "has a broken IPv6 address";
  } else if (const auto colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
    if (port.find(':', 1) != std::string_view::npos) return "needs brackets around an IPv6 address";
  }
  if (host.empty()) return "has no host";
  if (host.find_first_of("[]\\<>\"^`{|}") != std::string_view::npos)
    return "has a broken host name";
  if (port.size() <= 1) return "";
  port.remove_prefix(1);
  if (port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos ||
      std::stoi(std::string(port)) > 65535) {
    return "has a port that is no number up to 65535";
  }
  return "";
}

}  // namespace

bool IsHttps(std::string_view url) {
  return url.substr(0, 8) == "https://";
}

std::string JoinHostPort(std::string_view host, std::string_view port) {
  const bool bare_ipv6 = host.find(':') != std::string_view::npos && host[0] != '[';
  std::string joined = bare_ipv6 ? "[" + std::string(host) + "]" : std::string(host);
  joined += ":";
  return joined += port;
}

Result<std::string> NormalizeServerUrl(std::string_view text, bool default_tls) {
  const auto refuse = [](std::string_view why) {
    return Fail(ErrorCode::kInvalidArgument, std::string(why));
  };
  if (text.empty()) return refuse("the server's URL is empty");
  if (text.find('@') != std::string_view::npos) {
    return refuse("the server's URL must not hold a user name or password ('@')");
  }
  const std::string shown = "the server's URL " + QuoteForMessage(text, 200) + " ";
  if (!IsPrintableAscii(text)) return refuse(shown + "holds white space or non-ASCII bytes");
  std::string_view rest = text.substr(0, text.find_first_of("?#"));
  std::string scheme = default_tls ? "https" : "http";
  const auto separator = rest.find("://");
  const bool has_scheme = separator != std::string_view::npos;
  if (has_scheme) {
    scheme = AsciiLower(rest.substr(0, separator));
    rest.remove_prefix(separator + 3);
    if (scheme != "http" && scheme != "https") {
      return refuse(shown + "must begin with https:// or http://");
    }
  }
  const std::string_view authority = rest.substr(0, rest.find('/'));
  std::string_view prefix = rest.substr(authority.size());
  while (!prefix.empty() && prefix.back() == '/') prefix.remove_suffix(1);
  if (!has_scheme && !prefix.empty()) {
    return refuse(shown + "must be host:port or begin with https:// or http://");
  }
  if (const auto problem = AuthorityProblem(authority); !problem.empty()) {
    return refuse(shown + std::string(problem));
  }
  return scheme + "://" + std::string(authority) + std::string(prefix);
}

Status CheckProxyUrl(std::string_view url) {
  const auto separator = url.find("://");
  const std::string scheme =
      separator == std::string_view::npos ? "" : AsciiLower(url.substr(0, separator));
  if (scheme != "http" && scheme != "https" && scheme != "socks5") {
    return Fail(ErrorCode::kInvalidArgument, "must begin with http://, https:// or socks5://");
  }
  if (!IsPrintableAscii(url)) {
    return Fail(ErrorCode::kInvalidArgument, "holds white space or non-ASCII bytes");
  }
  std::string_view authority = url.substr(separator + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    authority.remove_prefix(at + 1);
  }
  if (const auto problem = AuthorityProblem(authority); !problem.empty()) {
    return Fail(ErrorCode::kInvalidArgument, std::string(problem));
  }
  return {};
}

}  // namespace downwardfs::client
