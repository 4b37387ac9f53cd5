// SPDX-License-Identifier: Apache-2.0
//
// resourceFieldRef: a container's request or limit, divided. The rules are those of Kubernetes'
// pkg/api/v1/resource/helpers.go and pkg/apis/core/validation. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "fs/projection/document.h"
#include "fs/projection/quantity.h"

namespace downwardfs {

/// `resourceFieldRef` as it was decoded. An unset divisor is Quantity(), zero, and means 1.
struct ResourceFieldRef {
  std::string container_name;  ///< may be empty in a container's env, never in a volume
  std::string resource;        ///< "limits.cpu", "requests.hugepages-2Mi", "limits.nvidia.com/gpu"
  Quantity divisor;
};

/// Decodes a Quantity from JSON: a string (white space around it is trimmed, but for control
/// characters) or a bare number; null is zero. kInvalidArgument otherwise.
Result<Quantity> DecodeQuantity(const Json& value);

/// The parts of a resource name.
struct ResourceName {
  bool is_limit = false;      ///< limits.*, else requests.*
  std::string name;           ///< "cpu", "hugepages-2Mi", "nvidia.com/gpu"
  bool is_hugepages = false;  ///< name starts with "hugepages-"
  bool is_extended = false;   ///< neither cpu, memory, ephemeral-storage nor hugepages-*
};

/// Splits "limits.cpu". kInvalidArgument for what is neither a resource of the kubelet's list nor
/// an extended resource (a qualified name with a domain outside kubernetes.io).
Result<ResourceName> ParseResourceName(std::string_view resource);

/// Which divisors a resource takes: cpu `1m` and `1`; all others 1, 1k..1E, 1Ki..1Ei, compared by
/// Quantity::ToString(). A zero divisor is unset and valid. The error quotes divisor and resource.
Status ValidateDivisor(const ResourceFieldRef& ref);

/// The value of `ref` in a volume: of the container of `pod` that it names, found among containers,
/// then init containers (never ephemeral ones). `node` may be null.
///
/// A limit of cpu, memory or ephemeral-storage that is unset or zero falls back to the node's
/// status.allocatable. kFailedPrecondition if it needs the node and `node` is null: the caller
/// decides what to show. A node without that entry gives 0. kNotFound: no such container.
/// kInvalidArgument: a quantity of the pod (of any container, as the API server would refuse the
/// pod) or of the node's allocatable is malformed. Does not check the divisor's validity (the
/// kubelet's extraction does not either).
Result<std::string> ResourceValue(const ResourceFieldRef& ref, const Json& pod, const Json* node);

/// The same in the environment of the container `own` (of any kind), which an empty containerName
/// means. Three rules differ from a volume's (defaultPodLimitsForDownwardAPI of
/// pkg/kubelet/kubelet_resources.go):
/// - The pod's own limit of cpu or memory (spec.resources.limits; since 1.34) comes before the
///   node's allocatable, if the node has that entry. A node that is not known is taken to have it.
/// - A container that is named falls back only if it is one of spec.containers: the missing limit
///   of a named init container is 0.
/// - A container is started with what the kubelet has allocated to it, not with a resize that it
///   has not accepted yet: see `AllocatedPod` in pod_allocation.h, which the caller applies.
Result<std::string> EnvResourceValue(const ResourceFieldRef& ref, std::string_view own,
                                     const Json& pod, const Json* node);

}  // namespace downwardfs
