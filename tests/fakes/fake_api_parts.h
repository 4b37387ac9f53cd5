// SPDX-License-Identifier: Apache-2.0
// Shared by the answers of the API server doubles. For tests/fakes/fake_api_*.cc and tests/bench.
#pragma once

#include <cstdint>
#include <string>

#include "tests/fakes/http_connection.h"
#include "tests/support/gzip.h"

namespace downwardfs::fake_api {

inline std::string KindOf(const std::string& resource) {
  if (resource == "pods") return "Pod";
  if (resource == "nodes") return "Node";
  if (resource == "configmaps") return "ConfigMap";
  if (resource == "secrets") return "Secret";
  if (resource == "services") return "Service";
  return "Namespace";
}

inline std::string Parameter(const ServedRequest& request, const std::string& name) {
  const auto at = request.query.find(name);
  return at == request.query.end() ? std::string() : at->second;
}

inline std::uint64_t Number(const std::string& text) {
  return text.empty() ? 0 : std::stoull(text);
}

/// The client can read gzip.
inline bool AcceptsGzip(const ServedRequest& request) {
  const auto at = request.headers.find("accept-encoding");
  return at != request.headers.end() && at->second.find("gzip") != std::string::npos;
}

inline constexpr char kGzipHeader[] = "Content-Encoding: gzip\r\n";
/// Kubernetes compresses smaller answers to nothing but streaming lists.
inline constexpr std::size_t kGzipFrom = std::size_t{128} << 10;

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
