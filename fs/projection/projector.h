// SPDX-License-Identifier: Apache-2.0
//
// Projection: a pod, its node and a list of items become files. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "fs/projection/document.h"
#include "fs/projection/item_spec.h"
#include "fs/projection/projected_file.h"

namespace downwardfs {

/// The objects that a volume is computed from. `node` and `ns`, the pod's Namespace, are null where
/// none is known.
struct ProjectionInput {
  DocumentPtr pod;
  DocumentPtr node;
  DocumentPtr ns;
  UnknownFields unknown_fields = UnknownFields::kRefused;  ///< kEmpty for a pod of an API server
};

/// The files of `spec`, in the order of their paths; of equal paths the last item counts. An item
/// that needs an object which is not known is an empty file with `problem` set; every other failure
/// (no such container, unknown field) fails the whole, as the kubelet's CollectData does, naming
/// the item. kResourceExhausted at the first item with which the files have more than `most_bytes`:
/// nothing after it is rendered.
Result<std::vector<ProjectedFile>> Project(const ItemSpec& spec, const ProjectionInput& input,
                                           std::size_t most_bytes = SIZE_MAX);

/// The view of a pod that a volume or a mount shows.
struct VolumeView {
  enum class Kind {
    kItems,     ///< the items given
    kVolume,    ///< the items of a volume of the pod's own spec
    kFullView,  ///< every field (full_view.h)
  };
  Kind kind = Kind::kFullView;
  ItemSpec items;                     ///< kItems
  std::string volume;                 ///< kVolume
  ItemRules rules;                    ///< how strict items are checked
  std::size_t most_bytes = SIZE_MAX;  ///< of all files together
};

/// Validates the view's items against the pod and projects them.
Result<std::vector<ProjectedFile>> ProjectView(const VolumeView& view,
                                               const ProjectionInput& input);

}  // namespace downwardfs
