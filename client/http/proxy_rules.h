// SPDX-License-Identifier: Apache-2.0
//
// Which server is asked through which proxy, as Go and so client-go decide it, where curl decides
// otherwise. Pure but for the two that read the environment; any thread.
// Rule: golang.org/x/net/http/httpproxy.
#pragma once

#include <string>
#include <string_view>

#include "client/http/request_target.h"

namespace downwardfs::client {

/// True if a server is reached without the proxy of the environment: its host is localhost or
/// loopback, or `no_proxy` (of NO_PROXY: names, addresses, networks, each with or without a port)
/// has it.
bool BypassesProxy(const UrlParts& server, std::string_view no_proxy);

/// `proxy` as curl must be told it: curl's socks5:// looks names up here, not at the proxy.
std::string ProxyForCurl(std::string proxy);

/// `proxy` without a user name and a password, and no more than scheme, host and port.
std::string ProxyForMessage(const std::string& proxy);

/// HTTPS_PROXY or HTTP_PROXY for "https" or "http", or in lower case; empty if they are not set.
std::string EnvironmentProxy(std::string_view scheme);
/// NO_PROXY or no_proxy.
std::string EnvironmentNoProxy();

}  // namespace downwardfs::client
