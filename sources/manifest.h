// SPDX-License-Identifier: Apache-2.0
//
// A file's bytes to API objects: what --pod-file and --node-file accept. Errors are
// kInvalidArgument, one line, and name the document (if there are several), the path of the field
// and the rule; the caller puts the file's name in front. Pure functions; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fs/projection/document.h"
#include "yaml/yaml_reader.h"

namespace downwardfs {

/// The documents of a file. JSON, one value or several behind each other, if the first byte that is
/// no space is '{' or '[' (such a text that is not JSON may still be YAML's flow style); else YAML.
/// Empty documents are left out. Bytes that are not UTF-8 become U+FFFD in JSON, one each; YAML
/// with such bytes is refused.
Result<std::vector<Json>> ParseManifest(std::string_view bytes, const YamlLimits& limits = {});

/// Whether a pod gets what the API server would have written into it.
enum class PodDefaults { kNone, kApiServer };

/// The pods of such documents, in order: Pod, PodList, List (also nested), and the pod of each
/// workload (pod_template.h). Other kinds are passed over if there is a pod at all. Each pod comes
/// checked (object_check.h), with apiVersion and kind, in a namespace ("default" if none is given),
/// with the defaults asked for (pod_defaults.h) and without managedFields and nulls. The uid may be
/// missing.
Result<std::vector<Json>> PodsFromManifest(std::vector<Json> documents,
                                           PodDefaults defaults = PodDefaults::kNone);

/// The nodes of such documents: Node, NodeList, List. As PodsFromManifest.
Result<std::vector<Json>> NodesFromManifest(std::vector<Json> documents);

}  // namespace downwardfs
