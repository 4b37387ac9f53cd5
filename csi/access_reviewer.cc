// SPDX-License-Identifier: Apache-2.0
#include "csi/access_reviewer.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace downwardfs {

Result<bool> AccessReviewer::MayGetNode(const std::string& ns, const std::string& service_account,
                                        const std::string& node) const {
  // The groups that the API server gives every ServiceAccount (kubernetes
  // staging/src/k8s.io/apiserver/pkg/authentication/serviceaccount/util.go).
  const nlohmann::json review = {
      {"apiVersion", "authorization.k8s.io/v1"},
      {"kind", "SubjectAccessReview"},
      {"spec",
       {{"user", "system:serviceaccount:" + ns + ":" + service_account},
        {"groups",
         {"system:serviceaccounts", "system:serviceaccounts:" + ns, "system:authenticated"}},
        {"resourceAttributes", {{"verb", "get"}, {"resource", "nodes"}, {"name", node}}}}}};
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
                         const std::string& node) {
  return "ServiceAccount " + ns + "/" + service_account + " may not get nodes \"" + node +
         "\", which node.* fields show; a ClusterRole with verb get on resource nodes gives it "
         "that right";
}

}  // namespace downwardfs
