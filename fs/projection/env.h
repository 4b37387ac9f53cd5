// SPDX-License-Identifier: Apache-2.0
//
// The environment of a container as the kubelet makes it (makeEnvironmentVariables of
// pkg/kubelet/kubelet_pods.go), under the rules of the API server (ValidateEnv, ValidateEnvFrom of
// pkg/apis/core/validation). Beyond them, fieldRef takes every path of field_ref.h. Out of scope
// are the variables that the kubelet makes of services (enableServiceLinks,
// KUBERNETES_SERVICE_HOST): they are in no object that is read here. ResolveEnv may be called by
// any thread if `objects` may.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fs/projection/document.h"

namespace downwardfs {

struct EnvVar {
  std::string name;
  std::string value;
};

/// Where ConfigMaps and Secrets come from.
class EnvObjects {
 public:
  using Data = std::map<std::string, std::string>;

  virtual ~EnvObjects() = default;

  /// `data` of a ConfigMap; of a Secret, decoded. kNotFound if there is no such object.
  virtual Result<Data> ConfigMap(const std::string& ns, const std::string& name) = 0;
  virtual Result<Data> Secret(const std::string& ns, const std::string& name) = 0;
};

struct EnvOptions {
  /// Leaves a variable out, instead of failing, where its ConfigMap or Secret (or the key in it)
  /// cannot be had, or where it needs the node and `node` is null. What breaks a rule still fails.
  bool skip_unresolved = false;
};

/// The variables of the container (or init container) named `container`. `node` and `objects` may
/// be null: what needs them fails with kFailedPrecondition, naming the variable.
///
/// Each name comes once: those of `env` at the place of their first declaration with the value of
/// the last, then what only envFrom brought, by name. (The kubelet's own order is random.) A
/// non-empty `value` wins over `valueFrom`. kNotFound: the pod has no such container.
Result<std::vector<EnvVar>> ResolveEnv(const Json& pod, std::string_view container,
                                       const Json* node, EnvObjects* objects,
                                       const EnvOptions& options = {});

/// IsEnvVarName of apimachinery's validation: letters, digits, '-', '_' and '.', no digit first,
/// not
/// "." and not starting with "..".
bool IsEnvVarName(std::string_view name);

}  // namespace downwardfs
