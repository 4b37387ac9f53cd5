// SPDX-License-Identifier: Apache-2.0
//
// From a source's snapshots to the projection's input: which pod, which node. Any thread.
#pragma once

#include <string>

#include "base/object_source.h"
#include "base/result.h"
#include "fs/projection/projector.h"

namespace downwardfs {

/// The snapshots that a projection is computed from, and the same parsed.
struct LoadedInput {
  ObjectPtr pod;
  ObjectPtr node;  ///< null where none is known
  ProjectionInput input;
};

/// The pod `key` and its node: the Node named by spec.nodeName, or, if there is no such Node, the
/// only Node that the source has (a --node-file is meant for the pod beside it). kNotFound without
/// the pod.
Result<LoadedInput> LoadInput(const ObjectSource& source, const ObjectKey& key);

/// Finds the pod that the user means: "NS/NAME", "NAME" (in namespace default), or, if `wanted` is
/// empty, the only pod of the source. The error lists what there is.
Result<ObjectKey> FindPod(const ObjectSource& source, const std::string& wanted);

}  // namespace downwardfs
