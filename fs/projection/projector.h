// SPDX-License-Identifier: Apache-2.0
//
// Projection: a pod, its node and a list of items become files. Pure functions; any thread.
#pragma once

#include <vector>

#include "base/result.h"
#include "fs/projection/document.h"
#include "fs/projection/item_spec.h"
#include "fs/projection/projected_file.h"

namespace downwardfs {

/// The objects that a volume is computed from. `node` is null where none is known.
struct ProjectionInput {
  DocumentPtr pod;
  DocumentPtr node;
};

/// The files of `spec`, in the order of their paths. An item that needs a node which is not known
/// is an empty file with `problem` set; every other failure (no such container, unknown field)
/// fails the whole, as the kubelet's CollectData does, naming the item.
Result<std::vector<ProjectedFile>> Project(const ItemSpec& spec, const ProjectionInput& input);

}  // namespace downwardfs
