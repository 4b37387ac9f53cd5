// SPDX-License-Identifier: Apache-2.0
//
// From a kubeconfig's entries to a ClusterConfig: picks the context, checks what it names, and
// makes the credential provider. No I/O except what a provider does later. Any thread. Source:
// client-go tools/clientcmd client_config.go, validation.go. One difference: a context that names
// a user which does not exist is an error (kubectl goes on without credentials).
#pragma once

#include <string>

#include "base/clock.h"
#include "client/config/cluster_config.h"
#include "client/config/kubeconfig.h"
#include "client/config/process.h"

namespace downwardfs::client {

/// The tools of the providers made here.
struct ProviderTools {
  const Clock* clock = &Clock::Real();
  ProcessRunner* runner = &ProcessRunner::Real();
};

/// `context` empty: the current context. kNotFound if there is no such context or no current one is
/// set (nothing is configured), kInvalidArgument where something is configured wrongly.
Result<ClusterConfig> SelectContext(const Kubeconfig& config, const std::string& context,
                                    const ProviderTools& tools = {});

}  // namespace downwardfs::client
