// SPDX-License-Identifier: Apache-2.0
#include "sources/env_objects.h"

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/text.h"
#include "fs/projection/document.h"

namespace downwardfs {
namespace {

// `data` of the object; binaryData of a ConfigMap makes no environment, as with the kubelet.
Result<EnvObjects::Data> ReadData(const std::string& text, bool decode) {
  const auto json = ParseJson(text);
  if (!json) return Fail(json.error());
  if (!json->is_object()) return Fail(ErrorCode::kInvalidArgument, "the answer is not an object");
  EnvObjects::Data data;
  const auto found = json->find("data");
  if (found == json->end() || found->is_null()) return data;
  if (!found->is_object()) return Fail(ErrorCode::kInvalidArgument, "data must be an object");
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "data[" + QuoteForMessage(key) + "]: must be a string");
    }
    if (!decode) {
      data.emplace(key, value.get<std::string>());
      continue;
    }
    auto bytes = Base64Decode(value.get_ref<const std::string&>());
    if (!bytes) {
      return Fail(ErrorCode::kInvalidArgument, "data[" + QuoteForMessage(key) + "]: is not base64");
    }
    data.emplace(key, std::move(*bytes));
  }
  return data;
}

}  // namespace

Result<EnvObjects::Data> ApiEnvObjects::Get(const char* resource, const std::string& ns,
                                            const std::string& name) {
  client::ResourcePath path;
  path.resource = resource;
  path.ns = ns;
  path.name = name;
  const std::string key = path.UrlPath();
  if (const auto found = got_.find(key); found != got_.end()) return found->second;
  const auto get = [&]() -> Result<Data> {
    auto json = client_.Get(path);
    if (!json) return Fail(std::move(json.error()));
    return ReadData(*json, path.resource == "secrets");
  };
  return got_.emplace(key, get()).first->second;
}

Result<EnvObjects::Data> ApiEnvObjects::ConfigMap(const std::string& ns, const std::string& name) {
  return Get("configmaps", ns, name);
}

Result<EnvObjects::Data> ApiEnvObjects::Secret(const std::string& ns, const std::string& name) {
  return Get("secrets", ns, name);
}

Result<std::vector<Json>> ApiEnvObjects::Services(const std::string& ns, bool links) {
  std::vector<std::string> texts;
  client::ResourcePath path;
  path.resource = "services";
  path.ns = ns;
  if (links) {
    auto all = client_.List(path);
    if (!all) return Fail(std::move(all.error()));
    texts = std::move(*all);
  }
  path.ns = "default";
  path.name = "kubernetes";
  auto master = client_.Get(path);
  if (master) {
    texts.push_back(std::move(*master));
  } else if (master.error().code != ErrorCode::kNotFound) {
    return Fail(std::move(master.error()));
  }
  std::vector<Json> services;
  for (const std::string& text : texts) {
    auto service = ParseJson(text);
    if (!service) return Fail(std::move(service.error()), path.Describe());
    services.push_back(std::move(*service));
  }
  return services;
}

}  // namespace downwardfs
