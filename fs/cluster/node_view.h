// SPDX-License-Identifier: Apache-2.0
// A Node as files, for the cluster tree (design: docs/cluster-tree.md). Pure functions; any thread.
#pragma once

#include <string>
#include <vector>

#include "fs/projection/document.h"
#include "fs/projection/projected_file.h"

namespace downwardfs {

/// labels, annotations, allocatable/*, capacity/* (canonical quantities) and conditions/*.
std::vector<ProjectedFile> ProjectNodeFields(const Json& node);
/// The names at the top that every node has, without node.json and node.yaml.
std::vector<std::string> NodeFieldNames();
std::vector<std::string> NodeDirectoryNames();

}  // namespace downwardfs
