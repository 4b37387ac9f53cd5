// SPDX-License-Identifier: Apache-2.0
//
// ConfigMaps, Secrets, Services and Namespaces that stand beside the pod in its file: for the
// environment of a container, and for fields of the pod's namespace. One thread at a time.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/object_source.h"
#include "fs/projection/document.h"
#include "fs/projection/env.h"

namespace downwardfs {

/// The ConfigMaps, Secrets, Services and Namespaces (apiVersion v1) among the documents of a
/// manifest, those in lists too, each but a Namespace with a namespace ("default" if none is
/// given). Objects without a name are passed over: a file is refused for its pods alone. Pure; any
/// thread.
std::vector<Json> ObjectsBesidePods(const std::vector<Json>& documents);

/// See the head of this file. An object that the file does not have is kNotFound, as the file is
/// taken for all there is.
class FileEnvObjects final : public EnvObjects {
 public:
  /// `source` outlives this.
  explicit FileEnvObjects(const ObjectSource& source) : source_(source) {}

  /// Whether `source` has any object for an environment.
  static bool HasAny(const ObjectSource& source);

  /// `data`; for a Secret, decoded, with `stringData` over it.
  Result<Data> ConfigMap(const std::string& ns, const std::string& name) override;
  Result<Data> Secret(const std::string& ns, const std::string& name) override;
  Result<std::vector<Json>> Services(const std::string& ns, bool links) override;

 private:
  Result<Data> Read(const char* kind, const std::string& ns, const std::string& name);

  const ObjectSource& source_;
};

}  // namespace downwardfs
