// SPDX-License-Identifier: Apache-2.0
//
// From a source's snapshots to the projection's input: which pod, which node and namespace. Any
// thread.
#pragma once

#include <string>
#include <vector>

#include "base/object_source.h"
#include "base/result.h"
#include "fs/projection/projector.h"

namespace downwardfs {

/// The snapshots that a projection is computed from, and the same parsed.
struct LoadedInput {
  ObjectPtr pod;
  ObjectPtr node;  ///< null where none is known
  ObjectPtr ns;    ///< the pod's Namespace; null where it is not known
  ProjectionInput input;
};

/// The pod `key` and what the source has of its node: the Node named by spec.nodeName, or, if there
/// is no such Node, the only Node that the source has (a --node-file is meant for the pod beside
/// it). kNotFound without the pod.
Result<LoadedInput> LoadInput(const ObjectSource& source, const ObjectKey& key);

/// Asks the source for the pod's node (ObjectSource::Require) if `loaded` has none and the pod is
/// bound to one, and puts it in. Returns the node's key, empty for a pod that is not bound. Only
/// what needs a node calls this: not everyone may read nodes.
Result<ObjectKey> RequireNode(ObjectSource& source, LoadedInput& loaded);

/// The same for the pod's Namespace.
Result<ObjectKey> RequireNamespace(ObjectSource& source, LoadedInput& loaded);

/// A view of a pod, computed from what the source has now.
struct Projection {
  LoadedInput loaded;  ///< of ProjectFrom(): without the parsed objects
  /// The Node and the Namespace that the files depend on, there or not.
  std::vector<ObjectKey> others;
  std::vector<ProjectedFile> files;
};

/// Loads the pod and projects it. Its node and its namespace are asked for if an item needs them.
Result<Projection> ProjectFrom(ObjectSource& source, const ObjectKey& key, const VolumeView& view);

/// Projects these very objects again (`objects.input` does not matter); the files are those that
/// the first projection gave. Pure.
Result<std::vector<ProjectedFile>> ProjectAgain(const LoadedInput& objects, const VolumeView& view);

/// Reads "NS/NAME" or "NAME" (in `default_namespace`).
Result<ObjectKey> ParsePodName(const std::string& wanted, const std::string& default_namespace);

/// Finds the pod that the user means: "NS/NAME", "NAME" (in namespace default), or, if `wanted` is
/// empty, the only pod of the source. The error lists what there is.
Result<ObjectKey> FindPod(const ObjectSource& source, const std::string& wanted);

}  // namespace downwardfs
