// SPDX-License-Identifier: Apache-2.0
#include "client/api/api_failure.h"

#include <optional>

#include "base/text.h"
#include "json/json_dom.h"

namespace downwardfs::client {
namespace {

ErrorCode CodeOf(int status, std::string_view reason) {
  switch (status) {
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 408:
      return ErrorCode::kDeadlineExceeded;
    case 409:
      return reason == "AlreadyExists" ? ErrorCode::kAlreadyExists : ErrorCode::kFailedPrecondition;
    case 410:
      return ErrorCode::kExpired;
    case 429:
      return ErrorCode::kResourceExhausted;
    default:
      break;
  }
  if (status >= 500) return ErrorCode::kUnavailable;
  if (status >= 400) return ErrorCode::kInvalidArgument;
  return ErrorCode::kInternal;
}

// The text behind `before` up to the next `end`; nothing if there is no such text.
std::optional<std::string> Between(std::string_view text, std::string_view before, char end) {
  const std::size_t begin = text.find(before);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin + before.size());
  const std::size_t size = text.find(end);
  if (size == std::string_view::npos) return std::nullopt;
  return std::string(text.substr(0, size));
}

// The ClusterRole of a node agent has the name of its ServiceAccount, in every way to install ours.
std::string ClusterRoleOf(const std::optional<std::string>& user) {
  constexpr std::string_view kAccount = "system:serviceaccount:";
  if (!user || !user->starts_with(kAccount)) return "a ClusterRole";
  return "the ClusterRole " + QuoteForMessage(user->substr(user->rfind(':') + 1));
}

// The server names the right that it looked for, which need not be the one of our request (a
// webhook, the creation of a token). Empty where it names none: an admission webhook and a quota
// say 403 too, and no role helps there.
std::string RbacAdvice(const ApiQuestion& question, std::string_view message) {
  const auto verb = Between(message, " cannot ", ' ');
  if (!verb) return {};
  const auto user = Between(message, "User \"", '"');
  const auto resource = Between(message, " cannot " + *verb + " resource \"", '"');
  const auto path = Between(message, " cannot " + *verb + " path \"", '"');
  std::string role = "a ClusterRole";
  std::string what;
  if (resource) {
    const auto group = Between(message, "\" in API group \"", '"');
    if (!group) return {};
    const auto ns = Between(message, "\" in the namespace \"", '"');
    if (question.cluster_wide) {
      role = ClusterRoleOf(user);
    } else if (ns) {
      role = "a Role in namespace " + QuoteForMessage(*ns);
    }
    what = "resource " + QuoteForMessage(*resource) + " of API group " + QuoteForMessage(*group);
  } else if (path) {
    what = "nonResourceURL " + QuoteForMessage(*path);
  } else {
    return {};
  }
  return "; " + role + " must allow verb " + QuoteForMessage(*verb) + " on " + what + " to " +
         (user ? "user " + QuoteForMessage(*user) : question.identity);
}

}  // namespace

std::optional<ApiStatus> ParseApiStatus(std::string_view json) {
  json_dom::Reader reader;
  const auto root = reader.Read(&json, /*padded=*/false);
  if (!root || json_dom::Text(*root, "kind") != "Status") return std::nullopt;
  ApiStatus status;
  status.code = static_cast<int>(json_dom::Number(*root, "code"));
  status.reason = json_dom::Text(*root, "reason");
  status.message = json_dom::Text(*root, "message");
  json_dom::Object details;
  if (!json_dom::Member(*root, "details", &details)) return status;
  if (const auto seconds = json_dom::Number(details, "retryAfterSeconds"); seconds > 0) {
    status.retry_after = std::chrono::seconds(seconds);
  }
  json_dom::EachOf(details, "causes", [&](json_dom::Object cause) {
    if (json_dom::Text(cause, "reason") == "ResourceVersionTooLarge") {
      status.version_too_large = true;
    }
  });
  return status;
}

ApiFailure FailureOf(const ApiQuestion& question, const ApiStatus& status) {
  ApiFailure failure;
  failure.status = status.code;
  failure.reason = status.reason;
  failure.retry_after = status.retry_after;
  // 1.18 and before said it in words only.
  failure.version_too_large =
      status.version_too_large ||
      status.message.find("Too large resource version") != std::string::npos;
  failure.error.code = CodeOf(status.code, status.reason);
  std::string& text = failure.error.message;
  text = question.server + ": cannot " + question.verb + " " + question.path.Describe() + ": ";
  if (status.code == 401) {
    text += "the server refuses our credentials (" + question.identity +
            "); renew them or choose another user";
    return failure;
  }
  std::string said = FoldLines(status.message);
  if (said.empty()) said = status.reason.empty() ? "no reason given" : status.reason;
  if (said.size() > 500) said = said.substr(0, 500) + "...";
  text += said + " (HTTP " + std::to_string(status.code) + ")";
  if (status.code == 403) text += RbacAdvice(question, status.message);
  return failure;
}

ApiFailure FailureOf(const ApiQuestion& question, const HttpResponse& response) {
  ApiStatus status;
  if (auto parsed = ParseApiStatus(response.error_body)) {
    status = std::move(*parsed);
  } else {
    // A proxy or another server: its own words, if they are words.
    const bool is_text = response.content_type.starts_with("text/plain");
    status.message = is_text ? response.error_body.substr(0, response.error_body.find('\n'))
                             : "the answer is no Kubernetes Status";
  }
  status.code = response.status;
  ApiFailure failure = FailureOf(question, status);
  if (response.retry_after) failure.retry_after = response.retry_after;
  return failure;
}

}  // namespace downwardfs::client
