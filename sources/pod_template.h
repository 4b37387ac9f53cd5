// SPDX-License-Identifier: Apache-2.0
//
// The pod that a workload's template stands for, so that a Deployment's manifest can be tried
// without a cluster. There is no real pod yet, so what the cluster would make up is left out:
//   name             the workload's (no random suffix); a StatefulSet's first pod, NAME-0
//   namespace        the workload's
//   labels, annotations  the template's; not those that controllers add (pod-template-hash,
//                    controller-uid, statefulset.kubernetes.io/pod-name ...), for they differ by
//                    version
//   ownerReferences  the controller's: a Deployment's pod belongs to a ReplicaSet and a CronJob's
//                    to a Job, named here as the workload, without the suffix; the uid is the
//                    workload's if it has one and is itself the owner, else empty
//   uid              empty
// The template's own metadata.name is ignored, as the API server does. Pure functions; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "fs/projection/document.h"

namespace downwardfs {

/// True if `kind` of the API group of `api_version` has a pod template: Deployment, StatefulSet,
/// DaemonSet, ReplicaSet, ReplicationController, Job, CronJob, PodTemplate.
bool HasPodTemplate(const std::string& api_version, const std::string& kind);

/// The pod of such an object, checked. `path` is where the object stands, for messages: "items[2]".
Result<Json> PodFromTemplate(Json workload, const std::string& path);

}  // namespace downwardfs
