// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/env_source.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fs/projection/env_file.h"
#include "fs/projection/env_services.h"
#include "fs/projection/field_ref.h"
#include "fs/projection/json_access.h"
#include "fs/projection/resource_ref.h"

namespace downwardfs {
namespace {

// The failures that skip_unresolved may pass over. A server that is away or refuses the credentials
// is not among it: the next attempt would give another environment.
bool IsUnresolved(const Error& error) {
  return error.code == ErrorCode::kNotFound || error.code == ErrorCode::kPermissionDenied ||
         error.code == ErrorCode::kFailedPrecondition;
}

// The one member of `sources` that is given, null members not counted.
Result<std::string> OnlySource(const Json& sources, std::initializer_list<const char*> known,
                               std::string_view where) {
  if (!sources.is_object()) {
    return Invalid(std::string(where) + " must be an object, not " +
                   std::string(JsonTypeName(sources)));
  }
  std::string found;
  std::string choice;
  for (const std::string name : known) {
    if (!choice.empty()) choice += ", ";
    choice += name;
    if (FindMember(&sources, name) == nullptr) continue;
    if (!found.empty()) {
      return Invalid(
          Concat({where, " has both ", found, " and ", name, ": exactly one source is allowed"}));
    }
    found = name;
  }
  if (found.empty()) return Invalid(std::string(where) + " needs exactly one of " + choice);
  return found;
}

bool IsLowerAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// IsDNS1123Subdomain of apimachinery's validation: labels with dots between them.
bool IsObjectName(std::string_view name) {
  if (name.size() > 253) return false;
  char before = '.';
  for (const char c : name) {
    const bool good =
        IsLowerAlnum(c) || (c == '-' && before != '.') || (c == '.' && IsLowerAlnum(before));
    if (!good) return false;
    before = c;
  }
  return IsLowerAlnum(before);
}

// IsConfigMapKey of the same.
bool IsObjectKey(std::string_view key) {
  return key.size() <= 253 && key != "." && key.substr(0, 2) != ".." &&
         std::all_of(key.begin(), key.end(), [](char c) {
           return IsLowerAlnum(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
         });
}

// The member `member`, which must be given and keep to `rule`.
Result<std::string> NameMember(const Json& json, std::string_view member, std::string_view where,
                               bool (*keeps)(std::string_view), std::string_view rule) {
  auto name = StringMember(json, member, where);
  if (!name) return name;
  if (name->empty()) return Invalid(Concat({where, ".", member, " is required"}));
  if (!keeps(*name)) {
    return Invalid(Concat({where, ".", member, " ", QuoteForMessage(*name), ": ", rule}));
  }
  return name;
}

}  // namespace

EnvSources::EnvSources(const Json& pod, std::string_view container, const Json* node,
                       EnvObjects* objects, EnvFiles* files, const EnvOptions& options)
    : pod_(pod),
      container_(container),
      node_(node),
      objects_(objects),
      files_(files),
      options_(options),
      namespace_(ScalarMember(FindMember(&pod, "metadata"), "namespace")) {
  if (namespace_.empty()) namespace_ = "default";  // a pod file may leave it out, as for kubectl
}

std::string EnvSources::ObjectRef::Describe() const {
  std::string text = kind == ObjectKind::kConfigMap ? "ConfigMap " : "Secret ";
  text += QuoteForMessage(name);
  if (!key.empty()) text += ", key " + QuoteForMessage(key);
  return text;
}

Result<std::optional<std::string>> EnvSources::Value(const Json& value_from) {
  auto source = OnlySource(
      value_from, {"fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"},
      "valueFrom");
  if (!source) return Fail(std::move(source.error()));
  const Json& ref = value_from.at(*source);
  if (!ref.is_object()) {
    return Invalid(*source + " must be an object, not " + std::string(JsonTypeName(ref)));
  }
  if (*source == "fieldRef") return Field(ref);
  if (*source == "resourceFieldRef") return Resource(ref);
  if (*source == "configMapKeyRef") return Key(ObjectKind::kConfigMap, ref, *source);
  if (*source == "secretKeyRef") return Key(ObjectKind::kSecret, ref, *source);
  return FileKey(ref);
}

Result<std::optional<std::string>> EnvSources::Field(const Json& ref) {
  auto api_version = StringMember(ref, "apiVersion", "fieldRef");
  if (!api_version) return Fail(std::move(api_version.error()));
  auto path = StringMember(ref, "fieldPath", "fieldRef");
  if (!path) return Fail(std::move(path.error()));
  if (!api_version->empty() && *api_version != "v1") {
    return Invalid("fieldRef.apiVersion " + QuoteForMessage(*api_version) + ": must be v1");
  }
  if (path->empty()) return Invalid("fieldRef.fieldPath is required");
  auto value = FieldValue(*path, {pod_, node_}, options_.unknown_fields);
  if (value) return std::optional<std::string>(std::move(*value));
  if (options_.skip_unresolved && value.error().code == ErrorCode::kFailedPrecondition) {
    return std::nullopt;
  }
  return Fail(std::move(value.error()), "fieldRef");
}

Result<std::optional<std::string>> EnvSources::Resource(const Json& json) {
  constexpr std::string_view kWhere = "resourceFieldRef";
  ResourceFieldRef ref;
  auto container = StringMember(json, "containerName", kWhere);
  if (!container) return Fail(std::move(container.error()));
  ref.container_name = std::move(*container);
  auto resource = StringMember(json, "resource", kWhere);
  if (!resource) return Fail(std::move(resource.error()));
  if (resource->empty()) return Invalid("resourceFieldRef.resource is required");
  ref.resource = std::move(*resource);
  if (auto known = ParseResourceName(ref.resource); !known) {
    return Fail(std::move(known.error()), kWhere);
  }
  if (const Json* const divisor = FindMember(&json, "divisor")) {
    auto quantity = DecodeQuantity(*divisor);
    if (!quantity) return Fail(std::move(quantity.error()), "resourceFieldRef.divisor");
    ref.divisor = *quantity;
  }
  if (auto valid = ValidateDivisor(ref); !valid) return Fail(std::move(valid.error()), kWhere);
  auto value = EnvResourceValue(ref, container_, pod_, node_);
  if (value) return std::optional<std::string>(std::move(*value));
  if (options_.skip_unresolved && value.error().code == ErrorCode::kFailedPrecondition) {
    return std::nullopt;
  }
  return Fail(std::move(value.error()), kWhere);
}

Result<EnvSources::ObjectRef> EnvSources::DecodeRef(ObjectKind kind, const Json& json,
                                                    std::string_view where) {
  if (!json.is_object()) {
    return Invalid(std::string(where) + " must be an object, not " +
                   std::string(JsonTypeName(json)));
  }
  ObjectRef ref;
  ref.kind = kind;
  auto name = NameMember(json, "name", where, IsObjectName,
                         "must be lower case letters, digits, '-' and '.', and begin and end with "
                         "a letter or digit");
  if (!name) return Fail(std::move(name.error()));
  ref.name = std::move(*name);
  if (const Json* const optional = FindMember(&json, "optional")) {
    if (!optional->is_boolean()) {
      return Invalid(std::string(where) + ".optional must be true or false, not " +
                     std::string(JsonTypeName(*optional)));
    }
    ref.optional = optional->get<bool>();
  }
  return ref;
}

Result<const EnvObjects::Data*> EnvSources::Data(const ObjectRef& ref, std::string_view where) {
  auto& cache = ref.kind == ObjectKind::kConfigMap ? config_maps_ : secrets_;
  if (const auto found = cache.find(ref.name); found != cache.end()) return &found->second;
  if (objects_ == nullptr) {
    if (options_.skip_unresolved) return nullptr;
    return Fail(ErrorCode::kFailedPrecondition,
                std::string(where) + " needs an API server to read " + ref.Describe());
  }
  auto data = ref.kind == ObjectKind::kConfigMap ? objects_->ConfigMap(namespace_, ref.name)
                                                 : objects_->Secret(namespace_, ref.name);
  if (data) return &cache.emplace(ref.name, std::move(*data)).first->second;
  if (data.error().code == ErrorCode::kNotFound && ref.optional) return nullptr;
  if (options_.skip_unresolved && IsUnresolved(data.error())) return nullptr;
  return Fail(std::move(data.error()), std::string(where) + ": " + ref.Describe());
}

Result<std::optional<std::string>> EnvSources::Key(ObjectKind kind, const Json& json,
                                                   std::string_view where) {
  auto ref = DecodeRef(kind, json, where);
  if (!ref) return Fail(std::move(ref.error()));
  auto key = NameMember(json, "key", where, IsObjectKey,
                        "must be letters, digits, '-', '_' and '.', and not start with '..'");
  if (!key) return Fail(std::move(key.error()));
  ref->key = std::move(*key);
  auto data = Data(*ref, where);
  if (!data) return Fail(std::move(data.error()));
  if (*data == nullptr) return std::nullopt;
  if (const auto found = (*data)->find(ref->key); found != (*data)->end()) {
    return std::optional<std::string>(found->second);
  }
  if (ref->optional || options_.skip_unresolved) return std::nullopt;
  return Fail(ErrorCode::kNotFound, std::string(where) + ": " + ref->Describe() + ": no such key");
}

Result<std::optional<EnvObjects::Data>> EnvSources::From(const Json& env_from) {
  auto source = OnlySource(env_from, {"configMapRef", "secretRef"}, "it");
  if (!source) return Fail(std::move(source.error()));
  auto prefix = StringMember(env_from, "prefix", "it");
  if (!prefix) return Fail(std::move(prefix.error()));
  if (!prefix->empty() && !IsName(*prefix)) {
    return Invalid("prefix " + QuoteForMessage(*prefix) +
                   (options_.strict_names ? ": is not the start of a variable's name "
                                            "(--strict-env-names)"
                                          : ": must be printable ASCII characters other than '='"));
  }
  const auto kind = *source == "configMapRef" ? ObjectKind::kConfigMap : ObjectKind::kSecret;
  auto ref = DecodeRef(kind, env_from.at(*source), *source);
  if (!ref) return Fail(std::move(ref.error()));
  auto data = Data(*ref, *source);
  if (!data) return Fail(std::move(data.error()));
  if (*data == nullptr) return std::nullopt;
  EnvObjects::Data variables;
  for (const auto& [key, value] : **data) {
    std::string name = *prefix + key;
    if (IsName(name)) variables.emplace(std::move(name), value);
  }
  return std::optional<EnvObjects::Data>(std::move(variables));
}

bool EnvSources::IsName(std::string_view name) const {
  return options_.strict_names ? IsStrictEnvVarName(name) : IsEnvVarName(name);
}

Result<std::optional<std::string>> EnvSources::FileKey(const Json& json) {
  constexpr std::string_view kWhere = "fileKeyRef";
  auto ref = DecodeFileKeyRef(json);
  if (!ref) return Fail(std::move(ref.error()), kWhere);
  if (auto valid = CheckVolumeOf(*ref, pod_); !valid) return Fail(std::move(valid.error()), kWhere);
  const std::string file =
      Concat({"file ", QuoteForMessage(ref->path), " of the volume ", QuoteForMessage(ref->volume),
              ", key ", QuoteForMessage(ref->key)});
  if (files_ == nullptr) {
    if (options_.skip_unresolved) return std::nullopt;
    return Fail(ErrorCode::kFailedPrecondition,
                Concat({kWhere, ": ", file, ": only `downwardfs exec` in the container reads it"}));
  }
  auto value = files_->Read(ref->volume, ref->path);
  if (value) {
    value = ValueInEnvFile(*value, ref->key);
    // Only the key may be missing: a missing file fails, optional or not, as with the kubelet.
    if (!value && value.error().code == ErrorCode::kNotFound && ref->optional) return std::nullopt;
  }
  if (value) return std::optional<std::string>(std::move(*value));
  if (options_.skip_unresolved && IsUnresolved(value.error())) return std::nullopt;
  return Fail(std::move(value.error()), Concat({kWhere, ": ", file}));
}

Result<EnvMap> EnvSources::Services() {
  if (objects_ == nullptr) {
    if (options_.skip_unresolved) return EnvMap();
    return Fail(ErrorCode::kFailedPrecondition, "needs an API server to read Services");
  }
  const Json* const links_member = FindMember(FindMember(&pod_, "spec"), "enableServiceLinks");
  const bool links = links_member == nullptr || *links_member != Json(false);
  auto services = objects_->Services(namespace_, links);
  if (!services) {
    if (options_.skip_unresolved && IsUnresolved(services.error())) return EnvMap();
    return Fail(std::move(services.error()));
  }
  return ServiceVariables(*services, namespace_, links);
}

}  // namespace downwardfs
