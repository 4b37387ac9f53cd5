// SPDX-License-Identifier: Apache-2.0
//
// The defaults that the API server writes into a pod before the kubelet sees it, as far as they
// show here. A pod that comes from a server has these values already. Pure function; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "fs/projection/document.h"

namespace downwardfs {

/// Mirrors Kubernetes' SetDefaults_Pod: a container or init container that limits a resource and
/// does not request it requests what it limits. (Ephemeral containers have no resources.) Mirrors
/// the ServiceAccount admission plugin, too: a pod without a serviceAccountName gets "default".
///
/// Not done: other admission. The defaults of volumes (defaultMode, fieldRef.apiVersion) belong to
/// the reading of the items.
void SetPodDefaults(Json& pod);

}  // namespace downwardfs
