// SPDX-License-Identifier: Apache-2.0
// Discovery: /api, /apis and the resource lists of their versions.
#include <simdjson.h>

#include <algorithm>

#include "client/api/api_client.h"

namespace downwardfs::client {
namespace {

namespace dom = simdjson::dom;

std::string Text(dom::element element, std::string_view key) {
  std::string_view value;
  return element[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

dom::array Array(dom::element element, std::string_view key, dom::array none) {
  dom::array array;
  return element[key].get(array) == simdjson::SUCCESS ? array : none;
}

tl::unexpected<ApiFailure> Malformed(const ApiQuestion& question) {
  ApiFailure failure;
  failure.error = {ErrorCode::kInvalidArgument, question.server + question.path.resource +
                                                    ": the answer is no discovery document"};
  return tl::unexpected<ApiFailure>(std::move(failure));
}

}  // namespace

ApiResult<std::vector<std::string>> ApiClient::GroupVersions(Cancellation* cancel) const {
  std::vector<std::string> found;
  dom::parser parser;
  dom::parser empty_parser;
  const dom::array none = empty_parser.parse(std::string_view("[]")).get_array().value_unsafe();
  for (const char* target : {"/api", "/apis"}) {
    auto body = GetRaw(target, cancel);
    if (!body) return tl::unexpected<ApiFailure>(std::move(body.error()));
    dom::element root;
    ResourcePath path;
    path.resource = target;
    if (parser.parse(*body).get(root) != simdjson::SUCCESS || !root.is_object()) {
      return Malformed(Question("get", path));
    }
    for (const dom::element version : Array(root, "versions", none)) {
      std::string_view text;
      if (version.get(text) == simdjson::SUCCESS) found.emplace_back(text);
    }
    for (const dom::element group : Array(root, "groups", none)) {
      dom::element preferred;
      std::string first;
      if (group["preferredVersion"].get(preferred) == simdjson::SUCCESS) {
        first = Text(preferred, "groupVersion");
        if (!first.empty()) found.push_back(first);
      }
      for (const dom::element version : Array(group, "versions", none)) {
        std::string text = Text(version, "groupVersion");
        if (!text.empty() && text != first) found.push_back(std::move(text));
      }
    }
  }
  return found;
}

ApiResult<std::vector<ApiResource>> ApiClient::Resources(const std::string& group_version,
                                                         Cancellation* cancel) const {
  const bool core = group_version.find('/') == std::string::npos;
  ResourcePath path;
  path.resource = (core ? "/api/" : "/apis/") + group_version;
  auto body = GetRaw(path.resource, cancel);
  if (!body) return tl::unexpected<ApiFailure>(std::move(body.error()));
  dom::parser parser;
  dom::parser empty_parser;
  const dom::array none = empty_parser.parse(std::string_view("[]")).get_array().value_unsafe();
  dom::element root;
  if (parser.parse(*body).get(root) != simdjson::SUCCESS || !root.is_object()) {
    return Malformed(Question("get", path));
  }
  std::vector<ApiResource> resources;
  for (const dom::element entry : Array(root, "resources", none)) {
    ApiResource resource;
    // An entry may belong to another group than its list (autoscaling's Scale).
    resource.group = Text(entry, "group");
    resource.version = Text(entry, "version");
    if (resource.version.empty()) {
      resource.group = core ? "" : group_version.substr(0, group_version.find('/'));
      resource.version = core ? group_version : group_version.substr(group_version.find('/') + 1);
    }
    resource.resource = Text(entry, "name");
    resource.kind = Text(entry, "kind");
    bool namespaced = false;
    resource.namespaced = entry["namespaced"].get(namespaced) == simdjson::SUCCESS && namespaced;
    for (const dom::element verb : Array(entry, "verbs", none)) {
      std::string_view text;
      if (verb.get(text) == simdjson::SUCCESS) resource.verbs.emplace_back(text);
    }
    resources.push_back(std::move(resource));
  }
  return resources;
}

}  // namespace downwardfs::client
