// SPDX-License-Identifier: Apache-2.0
//
// The configuration that every pod with a ServiceAccount has: the API server's address in the
// environment, token, CA and namespace in mounted files. Token and CA rotate, so they are named
// here and read when needed. Any thread. Source: client-go rest.InClusterConfig, the kubelet's
// default ServiceAccount volume.
#pragma once

#include <functional>
#include <string>

#include "client/config/cluster_config.h"
#include "client/config/select_context.h"

namespace downwardfs::client {

/// The places of a program's surroundings; tests give others.
struct Surroundings {
  /// The value of an environment variable; empty if it is not set.
  std::function<std::string(const std::string&)> variable = &Surroundings::Getenv;
  std::string root;  ///< put in front of /var/run/secrets/...; empty: the real root
  ProviderTools tools;

  static std::string Getenv(const std::string& name);
};

/// kNotFound if this is no pod with a ServiceAccount; the message says what is missing.
Result<ClusterConfig> InClusterConfig(const Surroundings& surroundings = {});

}  // namespace downwardfs::client
