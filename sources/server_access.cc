// SPDX-License-Identifier: Apache-2.0
#include "sources/server_access.h"

#include <cstdio>
#include <utility>

#include "base/text.h"
#include "client/http/curl_transport.h"

namespace downwardfs {

Result<ServerAccess> OpenServer(ServerConfig config, bool cluster_wide) {
  if (!config) return Fail(std::move(config.error()));
  config->cluster_wide = cluster_wide;
  ServerAccess access;
  access.description = config->server;
  const bool by_flag = config->origin == "--server " + config->server;
  if (!by_flag) access.description += " (" + config->origin + ")";
  access.default_namespace = config->default_namespace;
  access.transport = std::make_shared<client::CurlTransport>(std::move(*config));
  return access;
}

bool WorthRetrying(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kFailedPrecondition:
    case ErrorCode::kCancelled:
      return false;
    default:
      return true;
  }
}

bool WorthWaiting(const client::ApiFailure& failure) {
  return failure.bad_answer || WorthRetrying(failure.error);
}

void SayWaiting(const std::string& reason) {
  std::fprintf(stderr, "downwardfs: waiting: %s\n", OneLine(reason).c_str());
}

}  // namespace downwardfs
