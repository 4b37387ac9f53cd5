// SPDX-License-Identifier: Apache-2.0
// Discovery: /api, /apis and the resource lists of their versions.
#include <algorithm>

#include "client/api/api_client.h"
#include "json/json_dom.h"

namespace downwardfs::client {
namespace {

using json_dom::EachItem;
using json_dom::EachOf;
using JsonObject = json_dom::Object;
using json_dom::Text;

tl::unexpected<ApiFailure> Malformed(const ApiQuestion& question) {
  ApiFailure failure;
  failure.error = {ErrorCode::kInvalidArgument, question.server + question.path.resource +
                                                    ": the answer is no discovery document"};
  return tl::unexpected<ApiFailure>(std::move(failure));
}

}  // namespace

ApiResult<std::vector<std::string>> ApiClient::GroupVersions(Cancellation* cancel) const {
  std::vector<std::string> found;
  json_dom::Reader reader;
  for (const char* target : {"/api", "/apis"}) {
    auto body = GetRaw(target, cancel);
    if (!body) return tl::unexpected<ApiFailure>(std::move(body.error()));
    JsonObject root;
    ResourcePath path;
    path.resource = target;
    if (!reader.Read(*body, &root)) return Malformed(Question("get", path));
    EachItem<std::string_view>(root, "versions",
                               [&](std::string_view version) { found.emplace_back(version); });
    EachOf(root, "groups", [&](JsonObject group) {
      JsonObject preferred;
      std::string_view first;
      if (json_dom::Member(group, "preferredVersion", &preferred)) {
        first = Text(preferred, "groupVersion");
        if (!first.empty()) found.emplace_back(first);
      }
      EachOf(group, "versions", [&](JsonObject version) {
        const std::string_view text = Text(version, "groupVersion");
        if (!text.empty() && text != first) found.emplace_back(text);
      });
    });
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
  json_dom::Reader reader;
  JsonObject root;
  if (!reader.Read(*body, &root)) return Malformed(Question("get", path));
  std::vector<ApiResource> resources;
  EachOf(root, "resources", [&](JsonObject entry) {
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
    resource.namespaced = json_dom::Flag(entry, "namespaced");
    EachItem<std::string_view>(entry, "verbs",
                               [&](std::string_view verb) { resource.verbs.emplace_back(verb); });
    resources.push_back(std::move(resource));
  });
  return resources;
}

}  // namespace downwardfs::client
