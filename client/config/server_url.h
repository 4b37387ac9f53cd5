// SPDX-License-Identifier: Apache-2.0
//
// The URL of an API server and of a proxy: checked when they are configured, so that the transport
// gets one spelling and a person an early, clear message. No I/O; any thread.
// Source: client-go's rest.DefaultServerURL and clientcmd.parseProxyURL.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace downwardfs::client {

/// "https://host:port/prefix" without trailing slash, query and fragment. A bare "host:port" gets a
/// scheme: https if `default_tls`, http otherwise. A user name or password in the URL is refused
/// (and not printed).
Result<std::string> NormalizeServerUrl(std::string_view text, bool default_tls);

bool IsHttps(std::string_view url);

/// http, https or socks5, with a host. A password in it is allowed, so the error never prints it.
Status CheckProxyUrl(std::string_view url);

/// host:port with an IPv6 address in brackets (given with or without them).
std::string JoinHostPort(std::string_view host, std::string_view port);

}  // namespace downwardfs::client
