// SPDX-License-Identifier: Apache-2.0
//
// The full view of a pod: every field that people look for, as a directory of files, when no items
// are given (design: docs/semantics.md, "The full view"). Any thread.
#pragma once

#include <vector>

#include "base/result.h"
#include "fs/projection/document.h"
#include "fs/projection/projected_file.h"

namespace downwardfs {

/// All files of the pod's full view. Names that come from the pod (label keys, container names,
/// condition types) are made safe as file names: `/` is %2F, `%` is %25, a leading dot of "." and
/// ".." is %2E; a name over 255 bytes is left out. Never fails: what the pod has not is an empty
/// file or absent.
std::vector<ProjectedFile> ProjectFullView(const Json& pod);

// The same in parts, for who shows many pods and seldom all of one.

/// All but the whole object.
std::vector<ProjectedFile> ProjectPodFields(const Json& pod);
/// `stem`.json and `stem`.yaml: the whole object, without managedFields.
std::vector<ProjectedFile> ProjectWholeObject(const Json& object, const std::string& stem);
/// The names at the top that every pod's view has: files, but for the whole object's, and
/// directories (which may be empty).
std::vector<std::string> PodFieldNames();
std::vector<std::string> PodDirectoryNames();

/// `name` as one path element, by the rule above.
std::string EscapeFileName(std::string_view name);

}  // namespace downwardfs
