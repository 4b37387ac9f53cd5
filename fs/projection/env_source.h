// SPDX-License-Identifier: Apache-2.0
//
// The object of one `valueFrom` or one element of `envFrom`: decoded, checked, and looked up.
// Part of env.h; one ResolveEnv call owns one of these, which asks for each ConfigMap and Secret
// once. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "fs/projection/env.h"
#include "fs/projection/env_expand.h"

namespace downwardfs {

class EnvSources {
 public:
  /// All are borrowed for the life of this object.
  EnvSources(const Json& pod, std::string_view container, const Json* node, EnvObjects* objects,
             EnvFiles* files, const EnvOptions& options);

  /// The value of a variable by its `valueFrom`; nothing where the variable is to be left out (an
  /// optional reference to what does not exist, or skip_unresolved).
  Result<std::optional<std::string>> Value(const Json& value_from);

  /// The variables of one element of `envFrom`, names prefixed (with strict_names, invalid ones
  /// dropped); nothing where it is left out as above.
  Result<std::optional<EnvObjects::Data>> From(const Json& env_from);

  /// The variables of the Services that the pod sees.
  Result<EnvMap> Services();

 private:
  enum class ObjectKind { kConfigMap, kSecret };
  /// A reference to a ConfigMap or Secret.
  struct ObjectRef {
    ObjectKind kind = ObjectKind::kConfigMap;
    std::string name;
    std::string key;  ///< empty in envFrom
    bool optional = false;

    std::string Describe() const;
  };

  Result<std::optional<std::string>> Field(const Json& ref);
  Result<std::optional<std::string>> Resource(const Json& ref);
  Result<std::optional<std::string>> Key(ObjectKind kind, const Json& ref, std::string_view where);
  Result<std::optional<std::string>> FileKey(const Json& ref);

  bool IsName(std::string_view name) const;
  static Result<ObjectRef> DecodeRef(ObjectKind kind, const Json& ref, std::string_view where);
  /// The object's data; null where it is left out.
  Result<const EnvObjects::Data*> Data(const ObjectRef& ref, std::string_view where);

  const Json& pod_;
  const std::string container_;
  const Json* const node_;
  EnvObjects* const objects_;
  EnvFiles* const files_;
  const EnvOptions options_;
  std::string namespace_;
  std::map<std::string, EnvObjects::Data> config_maps_;
  std::map<std::string, EnvObjects::Data> secrets_;
};

}  // namespace downwardfs
