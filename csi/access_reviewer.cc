// SPDX-License-Identifier: Apache-2.0
#include "csi/access_reviewer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace downwardfs {
namespace {

const char* ResourceOf(const ObjectKey& object) {
  return object.kind == "Namespace" ? "namespaces" : "nodes";
}

}  // namespace

Result<bool> AccessReviewer::MayGet(const std::string& ns, const std::string& service_account,
                                    const ObjectKey& object) const {
  nlohmann::json attributes = {
      {"verb", "get"}, {"resource", ResourceOf(object)}, {"name", object.name}};
  // A request for a Namespace is one in that namespace (RequestInfo), where a Role may allow it.
  if (object.kind == "Namespace") attributes["namespace"] = object.name;
  // The groups that the API server gives every ServiceAccount (kubernetes
  // staging/src/k8s.io/apiserver/pkg/authentication/serviceaccount/util.go).
  const nlohmann::json review = {
      {"apiVersion", "authorization.k8s.io/v1"},
      {"kind", "SubjectAccessReview"},
      {"spec",
       {{"user", "system:serviceaccount:" + ns + ":" + service_account},
        {"groups",
         {"system:serviceaccounts", "system:serviceaccounts:" + ns, "system:authenticated"}},
        {"resourceAttributes", std::move(attributes)}}}};
  client::ResourcePath path;
  path.group = "authorization.k8s.io";
  path.resource = "subjectaccessreviews";
  auto answer = client_.Create(path, review.dump());
  if (!answer) return Fail(std::move(answer.error().error));
  const auto json = nlohmann::json::parse(*answer, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) {
    const auto status = json.find("status");
    if (status != json.end() && status->is_object()) {
      const auto allowed = status->find("allowed");
      return allowed != status->end() && allowed->is_boolean() && allowed->get<bool>();
    }
  }
  return Fail(ErrorCode::kInternal, "the server's answer is not a SubjectAccessReview");
}

std::string MissingRight(const std::string& ns, const std::string& service_account,
                         const ObjectKey& object) {
  const bool is_namespace = object.kind == "Namespace";
  const std::string resource = ResourceOf(object);
  return Concat({"ServiceAccount ", ns, "/", service_account, " may not get ", resource, " \"",
                 object.name, "\", which ", is_namespace ? "namespace" : "node",
                 ".* fields show; a ", is_namespace ? "Role in that namespace" : "ClusterRole",
                 " with verb get on resource ", resource, " gives it that right"});
}

}  // namespace downwardfs
