// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of the transport: a client for the API server double.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "client/api/api_client.h"
#include "client/http/curl_transport.h"
#include "tests/fakes/fake_api_server.h"

namespace downwardfs::client {

inline constexpr char kSecret[] = "s3cret-t0ken";

inline ResourcePath Pods(const std::string& name = "p") {
  ResourcePath path;
  path.resource = "pods";
  path.ns = "default";
  path.name = name;
  return path;
}

/// For any of the servers in tests/fakes.
template <class Server>
ClusterConfig ConfigFor(const Server& server) {
  ClusterConfig config;
  config.server = server.url();
  config.ca_pem = server.ca_pem();
  config.origin = "the test";
  return config;
}

inline ApiClient ClientFor(ClusterConfig config, const Clock& clock = Clock::Real()) {
  return ApiClient(std::make_shared<CurlTransport>(std::move(config), clock));
}

inline std::string MessageOf(const ApiResult<std::string>& result) {
  return result ? "no error: " + *result : result.error().error.message;
}

}  // namespace downwardfs::client
