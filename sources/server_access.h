// SPDX-License-Identifier: Apache-2.0
//
// From the flags of SOURCE to a connection to an API server, and how the start of a command deals
// with a server that is not there. Creating a transport starts its thread: after the fork.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "client/api/api_failure.h"
#include "client/config/resolve.h"
#include "client/http/transport.h"

namespace downwardfs {

/// One API server and who we are to it. Copies share the transport.
struct ServerAccess {
  std::shared_ptr<client::Transport> transport;
  /// For `status` and messages: https://10.0.0.1:6443 (context "dev" of /home/me/.kube/config)
  std::string description;
  std::string default_namespace;
};

/// The answer of client::ResolveClusterConfig() to the flags. Each answer reads the files anew, and
/// what comes out of a pipe is there once: it is handed on to all who need it.
using ServerConfig = Result<client::ClusterConfig>;

/// Makes a transport; asks the server nothing. Fails with the error of `config`.
/// `cluster_wide`: our rights come from a ClusterRole, for messages about those that are missing.
Result<ServerAccess> OpenServer(ServerConfig config, bool cluster_wide = false);

/// False where waiting does not help: the credentials, the rights, the certificate, the request or
/// the address is wrong.
bool WorthRetrying(const Error& error);

/// The same of a server that is being waited for: what makes no sense may be a gateway's, before a
/// server that is not there yet.
bool WorthWaiting(const client::ApiFailure& failure);

/// Tells the person at standard error what the command waits for: one line.
void SayWaiting(const std::string& reason);

}  // namespace downwardfs
