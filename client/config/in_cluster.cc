// SPDX-License-Identifier: Apache-2.0
#include "client/config/in_cluster.h"

#include <cstdlib>

#include "base/file.h"
#include "base/log.h"
#include "base/log_keys.h"
#include "client/config/server_url.h"
#include "client/config/token_file.h"

namespace downwardfs::client {
namespace {

std::string Trim(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string::npos) return "";
  return text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
}

}  // namespace

std::string Surroundings::Getenv(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? value : "";
}

Result<ClusterConfig> InClusterConfig(const Surroundings& surroundings) {
  const std::string host = surroundings.variable("KUBERNETES_SERVICE_HOST");
  const std::string port = surroundings.variable("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return Fail(ErrorCode::kNotFound,
                "not in a pod (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set)");
  }
  const std::string directory =
      surroundings.root + "/var/run/secrets/kubernetes.io/serviceaccount/";
  ClusterConfig config;
  auto token = std::make_shared<TokenFile>(directory + "token", "", *surroundings.tools.clock);
  if (auto read = token->Get(false); !read) {
    const bool missing = read.error().code == ErrorCode::kNotFound;
    return Fail(std::move(read.error()), missing
                                             ? "in a pod, but without a ServiceAccount token (is"
                                               " automountServiceAccountToken false?)"
                                             : "in a pod");
  }
  auto server = NormalizeServerUrl("https://" + JoinHostPort(host, port), true);
  if (!server) {
    return Fail(std::move(server.error()), "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT");
  }
  config.server = std::move(*server);
  config.credentials = std::move(token);
  if (const auto ca = ReadFile(directory + "ca.crt", RotatingFile::kMaxBytes); ca) {
    config.ca_file = directory + "ca.crt";
  } else {
    // client-go goes on likewise: the server's certificate may be one that the system trusts.
    LogWarning("the ServiceAccount's CA cannot be read, the system's CAs are used",
               {{log_keys::kFile, directory + "ca.crt"}, {log_keys::kError, ca.error().message}});
  }
  std::string ns = surroundings.variable("POD_NAMESPACE");
  if (ns.empty()) {
    if (const auto file = ReadFile(directory + "namespace", 4096); file) ns = Trim(*file);
  }
  if (!ns.empty()) config.default_namespace = ns;
  config.origin = "the in-cluster configuration";
  config.user_name = "the pod's ServiceAccount";
  return config;
}

}  // namespace downwardfs::client
