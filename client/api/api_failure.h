// SPDX-License-Identifier: Apache-2.0
//
// The answer of an API server that says no, as a value: the Error for a person and for the
// program's boundary, and what a retry needs to know. Values; any thread. Source: metav1.Status of
// the Kubernetes API conventions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/api/resource.h"
#include "client/http/transport.h"

namespace downwardfs::client {

/// A metav1.Status.
struct ApiStatus {
  int code = 0;
  std::string reason;  ///< "Expired", "AlreadyExists"
  std::string message;
  std::optional<std::chrono::seconds> retry_after;
  /// The server has not (or no longer) come to the resourceVersion that was asked for.
  bool version_too_large = false;
};

/// Nothing if `json` is not a Status.
std::optional<ApiStatus> ParseApiStatus(std::string_view json);

/// Why a request failed.
struct ApiFailure {
  Error error;
  int status = 0;  ///< of HTTP; 0: no complete answer came
  std::string reason;
  std::optional<std::chrono::seconds> retry_after;
  bool version_too_large = false;
  /// The answer was 2xx and makes no sense: another type, broken JSON. A gateway says such things
  /// while the server behind it starts.
  bool bad_answer = false;
  bool no_connection = false;    ///< nothing was sent
  bool connection_lost = false;  ///< the connection was open and dead
};

/// A T or an ApiFailure.
template <class T>
using ApiResult = tl::expected<T, ApiFailure>;

/// The question, and who was asked, for messages.
struct ApiQuestion {
  std::string server;
  std::string identity;
  std::string verb;  ///< as RBAC has it: "list"
  ResourcePath path;
  bool cluster_wide = false;  ///< our rights come from a ClusterRole (cluster_config.h)
};

/// The failure that a Status means. `server: cannot list pods in namespace "x": ...`, and for 401
/// and 403 what to do.
ApiFailure FailureOf(const ApiQuestion& question, const ApiStatus& status);

/// The failure that an answer other than 2xx means.
ApiFailure FailureOf(const ApiQuestion& question, const HttpResponse& response);

}  // namespace downwardfs::client
