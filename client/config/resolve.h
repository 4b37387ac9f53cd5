// SPDX-License-Identifier: Apache-2.0
//
// Which API server a command talks to: the flags, then $KUBECONFIG, then ~/.kube/config, then the
// pod that we run in. The one entry point for cli/. Any thread.
// Source: docs of the command line; the order after the flags is kubectl's.
#pragma once

#include <string>

#include "client/config/cluster_config.h"
#include "client/config/in_cluster.h"

namespace downwardfs::client {

/// The flags of SOURCE that concern a server; empty: not given.
struct ServerFlags {
  std::string kubeconfig;
  std::string context;
  std::string server;
  std::string token_file;
  std::string ca_file;
  bool insecure_skip_tls_verify = false;
};

/// kInvalidArgument where flags contradict each other or an entry breaks a rule; kNotFound, with
/// all that was tried, where there is nothing to talk to. Files that are named must be readable.
Result<ClusterConfig> ResolveClusterConfig(const ServerFlags& flags,
                                           const Surroundings& surroundings = {});

}  // namespace downwardfs::client
