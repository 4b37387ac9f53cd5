// SPDX-License-Identifier: Apache-2.0
//
// The variables that the kubelet makes of Services: NAME_SERVICE_HOST, NAME_SERVICE_PORT and those
// of Docker's links (pkg/kubelet/envvars; getServiceEnvVarMap of pkg/kubelet/kubelet_pods.go). Pure
// functions; any thread.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "fs/projection/document.h"
#include "fs/projection/env_expand.h"

namespace downwardfs {

/// The variables for a pod in `ns` that sees `services` (of all namespaces): always those of
/// default/kubernetes, and with `links` (spec.enableServiceLinks) those of its own namespace, of
/// which one named "kubernetes" comes before the one in default. A service without a cluster IP, or
/// with "None", makes no variables. kInvalidArgument: a Service that no API server has, by name.
Result<EnvMap> ServiceVariables(const std::vector<Json>& services, std::string_view ns, bool links);

}  // namespace downwardfs
