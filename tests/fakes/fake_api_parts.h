// SPDX-License-Identifier: Apache-2.0
// What the answers of the API server double share. For tests/fakes/fake_api_*.cc only.
#pragma once

#include <cstdint>
#include <string>

#include "tests/fakes/http_connection.h"

namespace downwardfs::fake_api {

inline std::string KindOf(const std::string& resource) {
  if (resource == "pods") return "Pod";
  if (resource == "nodes") return "Node";
  if (resource == "configmaps") return "ConfigMap";
  if (resource == "secrets") return "Secret";
  return "Namespace";
}

inline std::string Parameter(const ServedRequest& request, const std::string& name) {
  const auto at = request.query.find(name);
  return at == request.query.end() ? std::string() : at->second;
}

inline std::uint64_t Number(const std::string& text) {
  return text.empty() ? 0 : std::stoull(text);
}

/// The two field selectors that clients of this project use.
struct Selector {
  std::string name, node;
  explicit Selector(const std::string& text) {
    if (text.starts_with("metadata.name=")) name = text.substr(14);
    if (text.starts_with("spec.nodeName=")) node = text.substr(14);
  }
  bool Matches(const std::string& of_name, const std::string& of_node) const {
    return (name.empty() || name == of_name) && (node.empty() || node == of_node);
  }
};

}  // namespace downwardfs::fake_api
