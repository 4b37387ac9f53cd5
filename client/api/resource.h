// SPDX-License-Identifier: Apache-2.0
//
// Names resources of the Kubernetes API and makes the paths of their URLs. Values; any thread.
// Rule: Kubernetes API concepts, "Resource URIs".
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace downwardfs::client {

/// One object, or a collection if `name` is empty, of all namespaces if `ns` is empty too.
struct ResourcePath {
  std::string group;  ///< empty: the core group
  std::string version = "v1";
  std::string resource;  ///< in the plural, lower case: "pods"
  std::string ns;
  std::string name;
  std::string subresource;

  /// "/api/v1/namespaces/default/pods/web"
  std::string UrlPath() const;
  /// `pods "web" in namespace "default"`
  std::string Describe() const;
};

/// The parameters of a query, in order.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;

/// `path?a=b&c=d`, percent-encoded.
std::string WithQuery(std::string path, const QueryParameters& parameters);

}  // namespace downwardfs::client
