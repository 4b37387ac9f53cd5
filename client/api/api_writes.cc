// SPDX-License-Identifier: Apache-2.0
// The writing half of ApiClient. Source: Kubernetes API concepts, "Resource operations" and
// "Server-side apply".
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "client/api/api_client.h"

namespace downwardfs::client {
namespace {

constexpr std::size_t kManagerBytes = 128;  // the server's own limit

constexpr char kJson[] = "application/json";

HttpRequest RequestWith(const char* method, const char* content_type, std::string body) {
  HttpRequest request;
  request.method = method;
  request.content_type = content_type;
  request.body = std::move(body);
  return request;
}

const char* ContentType(PatchType type) {
  switch (type) {
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kStrategicMerge:
      return "application/strategic-merge-patch+json";
    case PatchType::kJson:
      return "application/json-patch+json";
  }
  return "";
}

// Without a name the same method would be one of the collection: DELETE would delete all there is.
// A proxy on the way may take `..` for the URL above, which is another object's. Rule:
// IsValidPathSegmentName of apimachinery.
Status CheckPath(const ResourcePath& path, bool of_an_object) {
  for (const std::string* part :
       {&path.group, &path.version, &path.ns, &path.resource, &path.name, &path.subresource}) {
    if (*part == "." || *part == "..") {
      return Fail(ErrorCode::kInvalidArgument, "nothing can be called \"" + *part + "\"");
    }
  }
  if (path.resource.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "the path names no resource; set it, as to \"pods\"");
  }
  if (!of_an_object || !path.name.empty()) return {};
  return Fail(ErrorCode::kInvalidArgument, "the path names no object; set its name");
}

tl::unexpected<ApiFailure> Refusal(const ApiQuestion& question, Error error) {
  ApiFailure failure;
  failure.error = std::move(error).WithContext(question.server + ": cannot " + question.verb + " " +
                                               question.path.Describe());
  return tl::unexpected<ApiFailure>(std::move(failure));
}

Status CheckOptions(const WriteOptions& options) {
  if (options.field_manager.size() > kManagerBytes) {
    return Fail(ErrorCode::kInvalidArgument, "the field manager " +
                                                 QuoteForMessage(options.field_manager) +
                                                 " is longer than 128 bytes");
  }
  static constexpr std::array<std::string_view, 4> kValidations = {"", "Ignore", "Warn", "Strict"};
  if (std::find(kValidations.begin(), kValidations.end(), options.field_validation) ==
      kValidations.end()) {
    return Fail(ErrorCode::kInvalidArgument, "the field validation " +
                                                 QuoteForMessage(options.field_validation) +
                                                 " is not Ignore, Warn or Strict");
  }
  return {};
}

QueryParameters ParametersOf(const WriteOptions& options, bool force) {
  QueryParameters parameters;
  if (!options.field_manager.empty()) {
    parameters.emplace_back("fieldManager", options.field_manager);
  }
  if (options.dry_run) parameters.emplace_back("dryRun", "All");
  if (!options.field_validation.empty()) {
    parameters.emplace_back("fieldValidation", options.field_validation);
  }
  if (force) parameters.emplace_back("force", "true");
  return parameters;
}

}  // namespace

// `verb` is RBAC's.
ApiResult<std::string> ApiClient::Write(const std::string& verb, const ResourcePath& path,
                                        HttpRequest request, const WriteOptions& options,
                                        bool force, Cancellation* cancel) const {
  const ApiQuestion question = Question(verb, path);
  Status allowed = CheckOptions(options);
  if (allowed) allowed = CheckPath(path, request.method != "POST");
  if (!allowed) return Refusal(question, std::move(allowed.error()));
  request.target = WithQuery(path.UrlPath(), ParametersOf(options, force));
  return Unary(question, std::move(request), cancel);
}

ApiResult<std::string> ApiClient::Create(const ResourcePath& path, std::string json,
                                         const WriteOptions& options, Cancellation* cancel) const {
  return Write("create", path, RequestWith("POST", kJson, std::move(json)), options, false, cancel);
}

ApiResult<std::string> ApiClient::Update(const ResourcePath& path, std::string json,
                                         const WriteOptions& options, Cancellation* cancel) const {
  return Write("update", path, RequestWith("PUT", kJson, std::move(json)), options, false, cancel);
}

ApiResult<std::string> ApiClient::Patch(const ResourcePath& path, PatchType type, std::string patch,
                                        const WriteOptions& options, Cancellation* cancel) const {
  return Write("patch", path, RequestWith("PATCH", ContentType(type), std::move(patch)), options,
               false, cancel);
}

ApiResult<std::string> ApiClient::Apply(const ResourcePath& path, std::string json,
                                        const WriteOptions& options, bool force,
                                        Cancellation* cancel) const {
  if (options.field_manager.empty()) {
    ApiFailure failure;
    failure.error = Error{ErrorCode::kInvalidArgument,
                          transport_->Description() + ": cannot apply " + path.Describe() +
                              ": server-side apply needs a field manager"};
    return tl::unexpected<ApiFailure>(std::move(failure));
  }
  // JSON is YAML: the one name that every server since 1.16 knows.
  return Write("patch", path, RequestWith("PATCH", "application/apply-patch+yaml", std::move(json)),
               options, force, cancel);
}

ApiResult<std::string> ApiClient::Delete(const ResourcePath& path, std::string options,
                                         Cancellation* cancel) const {
  const ApiQuestion question = Question("delete", path);
  if (auto allowed = CheckPath(path, /*of_an_object=*/true); !allowed) {
    return Refusal(question, std::move(allowed.error()));
  }
  const char* const type = options.empty() ? "" : kJson;
  HttpRequest request = RequestWith("DELETE", type, std::move(options));
  request.target = path.UrlPath();
  return Unary(question, std::move(request), cancel);
}

}  // namespace downwardfs::client
