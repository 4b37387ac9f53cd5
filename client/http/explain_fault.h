// SPDX-License-Identifier: Apache-2.0
//
// The one line that says why a request got no answer, who is to blame (the server, the proxy, our
// own files) and what to do. Secrets, among them a proxy's password, are left out. Pure; any
// thread.
#pragma once

#include <string>

#include "base/result.h"
#include "client/config/cluster_config.h"
#include "client/http/curl_loop.h"

namespace downwardfs::client {

/// `trusted`: whom the peer's certificate must be signed by (TrustAnchors::Describe()).
Error ExplainFault(const TransferResult& result, const ClusterConfig& config,
                   const std::string& proxy, const std::string& trusted);

}  // namespace downwardfs::client
