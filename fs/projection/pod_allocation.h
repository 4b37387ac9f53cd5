// SPDX-License-Identifier: Apache-2.0
//
// In-place resize: what the kubelet has allocated to a pod, where that is not what its spec asks
// for. A volume shows the spec at once. A container is started with what is allocated
// (UpdatePodFromAllocation of pkg/kubelet/allocation), and its environment says so. Any thread.
#pragma once

#include <optional>

#include "fs/projection/document.h"

namespace downwardfs {

/// `pod` with the resources that are allocated to it in place of those of its spec; nothing if they
/// are the same, or the status says nothing about them.
///
/// A container's requests are its status's `allocatedResources`. Its limits are those of its
/// status's `resources`, but only while a resize waits: by the condition PodResizePending, by
/// `status.resize` (before 1.33), or by requests that are not the allocated ones. The pod's own
/// limits (spec.resources) are taken from `status.resources` in the same way.
std::optional<Json> AllocatedPod(const Json& pod);

}  // namespace downwardfs
