// SPDX-License-Identifier: Apache-2.0
//
// Asks the API server what a ServiceAccount may do (SubjectAccessReview, authorization.k8s.io/v1).
// No token of anybody is needed for it. Any thread; waits for the server.
#pragma once

#include <memory>
#include <string>

#include "base/object_source.h"
#include "base/result.h"
#include "client/api/api_client.h"

namespace downwardfs {

class AccessReviewer {
 public:
  explicit AccessReviewer(std::shared_ptr<client::Transport> transport)
      : client_(std::move(transport)) {}

  /// Whether it may get that Node or Namespace. An error where the server did not say.
  Result<bool> MayGet(const std::string& ns, const std::string& service_account,
                      const ObjectKey& object) const;

 private:
  client::ApiClient client_;
};

/// The missing right, for the person who reads an event of the pod.
std::string MissingRight(const std::string& ns, const std::string& service_account,
                         const ObjectKey& object);

}  // namespace downwardfs
