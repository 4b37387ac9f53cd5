// SPDX-License-Identifier: Apache-2.0
#include "client/api/api_failure.h"

#include <simdjson.h>

#include "base/text.h"

namespace downwardfs::client {
namespace {

namespace dom = simdjson::dom;

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

std::string UserIn(std::string_view message) {
  const std::size_t begin = message.find("User \"");
  if (begin == std::string_view::npos) return {};
  message.remove_prefix(begin + 6);
  const std::size_t end = message.find('"');
  return end == std::string_view::npos ? std::string() : std::string(message.substr(0, end));
}

std::string RbacAdvice(const ApiQuestion& question, const ApiStatus& status) {
  const ResourcePath& path = question.path;
  std::string resource = path.resource;
  if (!path.subresource.empty()) resource += "/" + path.subresource;
  const std::string user = UserIn(status.message);
  std::string text = "a ";
  text += path.ns.empty() ? "ClusterRole" : "Role in namespace " + QuoteForMessage(path.ns);
  text += " must allow verb " + QuoteForMessage(question.verb) + " on ";
  text += resource.starts_with('/') ? "nonResourceURL " + QuoteForMessage(resource)
                                    : "resource " + QuoteForMessage(resource) + " of API group " +
                                          QuoteForMessage(path.group);
  text += " to " + (user.empty() ? question.identity : "user " + QuoteForMessage(user));
  return text;
}

}  // namespace

std::optional<ApiStatus> ParseApiStatus(std::string_view json) {
  dom::parser parser;
  dom::object root;
  std::string_view kind;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS ||
      root["kind"].get(kind) != simdjson::SUCCESS || kind != "Status") {
    return std::nullopt;
  }
  ApiStatus status;
  std::string_view text;
  std::int64_t number = 0;
  if (root["code"].get(number) == simdjson::SUCCESS) status.code = static_cast<int>(number);
  if (root["reason"].get(text) == simdjson::SUCCESS) status.reason = text;
  if (root["message"].get(text) == simdjson::SUCCESS) status.message = text;
  dom::object details;
  if (root["details"].get(details) != simdjson::SUCCESS) return status;
  if (details["retryAfterSeconds"].get(number) == simdjson::SUCCESS && number > 0) {
    status.retry_after = std::chrono::seconds(number);
  }
  dom::array causes;
  if (details["causes"].get(causes) == simdjson::SUCCESS) {
    for (const dom::element cause : causes) {
      if (cause["reason"].get(text) == simdjson::SUCCESS && text == "ResourceVersionTooLarge") {
        status.version_too_large = true;
      }
    }
  }
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
  std::string said = OneLine(status.message);
  if (said.empty()) said = status.reason.empty() ? "no reason given" : status.reason;
  if (said.size() > 500) said = said.substr(0, 500) + "...";
  text += said + " (HTTP " + std::to_string(status.code) + ")";
  if (status.code == 403) text += "; " + RbacAdvice(question, status);
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
