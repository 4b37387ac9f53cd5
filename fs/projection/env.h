// SPDX-License-Identifier: Apache-2.0
//
// The environment of a container as the kubelet makes it (makeEnvironmentVariables of
// pkg/kubelet/kubelet_pods.go), under the rules of the API server (ValidateEnv, ValidateEnvFrom of
// pkg/apis/core/validation). Beyond them, fieldRef takes every path of field_ref.h. ResolveEnv may
// be called by any thread if `objects` may.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fs/projection/document.h"
#include "fs/projection/field_walk.h"

namespace downwardfs {

struct EnvVar {
  std::string name;
  std::string value;
};

/// The source of ConfigMaps, Secrets and Services.
class EnvObjects {
 public:
  using Data = std::map<std::string, std::string>;

  virtual ~EnvObjects() = default;

  /// `data` of a ConfigMap; of a Secret, decoded. kNotFound if there is no such object.
  virtual Result<Data> ConfigMap(const std::string& ns, const std::string& name) = 0;
  virtual Result<Data> Secret(const std::string& ns, const std::string& name) = 0;
  /// The Services that a pod in `ns` gets variables of: default/kubernetes, if it is there, and
  /// with `links` all of `ns`. More are harmless.
  virtual Result<std::vector<Json>> Services(const std::string& ns, bool links) = 0;
};

/// Reads files of the pod's volumes (fileKeyRef).
class EnvFiles {
 public:
  virtual ~EnvFiles() = default;

  /// The bytes of the file `path` of the pod's emptyDir volume `volume`. kNotFound if there is no
  /// such file; kFailedPrecondition if the volume cannot be reached from here.
  virtual Result<std::string> Read(const std::string& volume, const std::string& path) = 0;
};

struct EnvOptions {
  /// Leaves a variable out, instead of failing, where its ConfigMap or Secret (or the key in it)
  /// cannot be had, or where it needs the node and `node` is null. A broken rule still fails.
  bool skip_unresolved = false;
  /// Takes only the names that Kubernetes took before 1.32: IsStrictEnvVarName.
  bool strict_names = false;
  /// Adds the variables of Services (env_services.h) that no variable of the container has.
  bool service_env = false;
  /// Of a fieldRef.
  UnknownFields unknown_fields = UnknownFields::kRefused;
};

/// The variables of the container named `container`: one of the containers, init containers and
/// ephemeral containers, in this order; empty means the only one of `containers`. `node`, `objects`
/// and `files` may be null: what needs them fails with kFailedPrecondition, naming the variable.
///
/// Each name comes once: those of `env` at the place of their first declaration with the value of
/// the last, then what only envFrom brought, by name, then those of Services, by name. (The
/// kubelet's own order is random.) kNotFound: the pod has no such container.
Result<std::vector<EnvVar>> ResolveEnv(const Json& pod, std::string_view container,
                                       const Json* node, EnvObjects* objects,
                                       const EnvOptions& options = {}, EnvFiles* files = nullptr);

/// IsRelaxedEnvVarName of apimachinery's validation (since 1.32): printable ASCII but '='.
bool IsEnvVarName(std::string_view name);

/// IsEnvVarName of the same, the rule before: letters, digits, '-', '_' and '.', no digit first,
/// not "." and not starting with "..".
bool IsStrictEnvVarName(std::string_view name);

}  // namespace downwardfs
