// SPDX-License-Identifier: Apache-2.0
#include "sources/file_env_objects.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/base64.h"
#include "base/text.h"
#include "fs/projection/json_access.h"

namespace downwardfs {
namespace {

constexpr const char* kKinds[] = {"ConfigMap", "Secret", "Service"};
constexpr std::string_view kNamespace = "Namespace";

void Collect(const Json& object, std::string_view kind_of_list, std::vector<Json>& out) {
  std::string kind = ScalarMember(&object, "kind");
  if (kind.empty()) kind = kind_of_list;
  constexpr std::string_view kList = "List";
  if (kind.size() >= kList.size() && kind.substr(kind.size() - kList.size()) == kList) {
    const Json* const items = FindMember(&object, "items");
    if (items == nullptr || !items->is_array()) return;
    kind.resize(kind.size() - kList.size());
    for (const Json& item : *items) Collect(item, kind, out);
    return;
  }
  const std::string api_version = ScalarMember(&object, "apiVersion");
  if (!api_version.empty() && api_version != "v1") return;
  if (kind == kNamespace) {
    Json metadata = Json::object();
    for (const char* const member : {"name", "uid"}) {
      const std::string text = ScalarMember(FindMember(&object, "metadata"), member);
      if (!text.empty()) metadata[member] = text;
    }
    for (const char* const member : {"labels", "annotations"}) {
      const Json* const map = FindMember(FindMember(&object, "metadata"), member);
      if (map != nullptr) metadata[member] = *map;
    }
    if (!metadata.contains("name")) return;
    out.push_back({{"apiVersion", "v1"}, {"kind", kind}, {"metadata", std::move(metadata)}});
    return;
  }
  for (const char* const wanted : kKinds) {
    if (kind != wanted) continue;
    const Json* const metadata = FindMember(&object, "metadata");
    const std::string name = ScalarMember(metadata, "name");
    const std::string ns = ScalarMember(metadata, "namespace");
    if (name.empty()) return;
    Json& found = out.emplace_back(object);
    found["kind"] = kind;
    found["metadata"] = Json{{"name", name}, {"namespace", ns.empty() ? "default" : ns}};
  }
}

Status TakeStrings(const Json& object, const char* member, bool decode, EnvObjects::Data& data) {
  const Json* const strings = FindMember(&object, member);
  if (strings == nullptr) return {};
  if (!strings->is_object()) {
    return Fail(ErrorCode::kInvalidArgument, std::string(member) + " must be a mapping");
  }
  for (const auto& [key, value] : strings->items()) {
    const std::string where = std::string(member) + "[" + QuoteForMessage(key) + "]";
    if (value.is_null()) {
      data[key] = "";
      continue;
    }
    if (!value.is_string()) {
      return Fail(ErrorCode::kInvalidArgument, where + ": must be a string");
    }
    const auto& text = value.get_ref<const std::string&>();
    std::optional<std::string> bytes = decode ? Base64Decode(text) : text;
    if (!bytes) return Fail(ErrorCode::kInvalidArgument, where + ": is not base64");
    data[key] = std::move(*bytes);
  }
  return {};
}

}  // namespace

std::vector<Json> ObjectsBesidePods(const std::vector<Json>& documents) {
  std::vector<Json> out;
  for (const Json& document : documents) Collect(document, "", out);
  return out;
}

bool FileEnvObjects::HasAny(const ObjectSource& source) {
  for (const char* const kind : kKinds) {
    if (!source.List(kind).empty()) return true;
  }
  return false;
}

Result<EnvObjects::Data> FileEnvObjects::Read(const char* kind, const std::string& ns,
                                              const std::string& name) {
  const ObjectPtr found = source_.Get(ObjectKey{kind, ns, name, ""});
  if (!found) {
    return Fail(ErrorCode::kNotFound,
                "not found in " + source_.State().description + " (namespace " + ns + ")");
  }
  auto object = ParseJson(found->Json());
  if (!object) return Fail(std::move(object.error()));
  const bool is_secret = std::string_view(kind) == "Secret";
  Data data;
  auto done = TakeStrings(*object, "data", is_secret, data);
  if (done && is_secret) done = TakeStrings(*object, "stringData", false, data);
  if (!done) return Fail(std::move(done.error()));
  return data;
}

Result<EnvObjects::Data> FileEnvObjects::ConfigMap(const std::string& ns, const std::string& name) {
  return Read("ConfigMap", ns, name);
}

Result<EnvObjects::Data> FileEnvObjects::Secret(const std::string& ns, const std::string& name) {
  return Read("Secret", ns, name);
}

Result<std::vector<Json>> FileEnvObjects::Services(const std::string&, bool) {
  std::vector<Json> services;
  for (const ObjectPtr& object : source_.List("Service")) {
    auto service = ParseJson(object->Json());
    if (!service) return Fail(std::move(service.error()));
    services.push_back(std::move(*service));
  }
  return services;
}

}  // namespace downwardfs
