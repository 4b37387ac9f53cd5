// SPDX-License-Identifier: Apache-2.0
// Whether a publish fits the pod that it is for, as the API server has it. Pure functions; any
// thread.
#pragma once

#include <string>

#include "base/object_source.h"
#include "base/result.h"
#include "csi/publish_request.h"

namespace downwardfs {

/// The pod as the server knows it. A static pod's mirror has another uid, and is followed by name.
ObjectKey KeyOf(const PublishSpec& spec, const Object& pod);
/// Whether it is the spec's pod, and not a later one of that name.
bool IsPodOf(const PublishSpec& spec, const Object& pod);

/// That target_path is the kubelet's place for the spec's pod. kInvalidArgument.
Status CheckPlace(const PublishSpec& spec, const std::string& kubelet_dir);

/// That the pod has such a volume of the driver (kFailedPrecondition), that a pod with hostUsers:
/// false mounts it read-only (kInvalidArgument), and that the kubelet means the pod's own
/// ServiceAccount (kInvalidArgument), which the spec has from now on.
Status CheckPod(PublishSpec& spec, const Object& pod, const std::string& kubelet_dir,
                const std::string& driver);

}  // namespace downwardfs
