// SPDX-License-Identifier: Apache-2.0
#include "client/config/oidc_token.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/base64.h"
#include "base/text.h"

namespace downwardfs::client {
namespace {

constexpr std::chrono::seconds kExpiryDelta{10};
constexpr std::chrono::seconds kLongestRefresh{30};

nlohmann::json AsObject(const std::string& text) {
  auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : nlohmann::json::object();
}

std::string ClaimText(const nlohmann::json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string UrlEncode(const std::string& text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : text) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        std::string_view("-_.~").find(static_cast<char>(c)) != std::string_view::npos;
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kHex[c >> 4U];
      out += kHex[c & 15U];
    }
  }
  return out;
}

bool IsSuccess(long status) {
  return status >= 200 && status < 300;
}

}  // namespace

Result<std::chrono::system_clock::time_point> JwtExpiry(const std::string& token) {
  const auto bad = [] { return Fail(ErrorCode::kInvalidArgument, "id-token: is not a JWT"); };
  const auto first = token.find('.');
  const auto second = first == std::string::npos ? first : token.find('.', first + 1);
  if (second == std::string::npos || token.find('.', second + 1) != std::string::npos) return bad();
  std::string claims = token.substr(first + 1, second - first - 1);
  std::replace(claims.begin(), claims.end(), '-', '+');
  std::replace(claims.begin(), claims.end(), '_', '/');
  while (claims.size() % 4 != 0) claims += '=';
  const auto bytes = Base64Decode(claims);
  if (!bytes) return bad();
  const auto json = AsObject(*bytes);
  const auto exp = json.find("exp");
  // No claim is zero to Go: the token has ended long ago.
  const double seconds = exp != json.end() && exp->is_number() ? exp->get<double>() : 0;
  constexpr double kMost = 9e9;  // the year 2255; the clock counts nanoseconds
  return std::chrono::system_clock::time_point(
      std::chrono::seconds(static_cast<std::int64_t>(std::clamp(seconds, 0.0, kMost))));
}

OidcToken::OidcToken(OidcConfig config, std::string whose, std::unique_ptr<OidcHttp> http,
                     const Clock& clock)
    : whose_(std::move(whose)), http_(std::move(http)), clock_(clock), config_(std::move(config)) {}

Result<Credentials> OidcToken::Get(bool force_refresh) {
  return GetWithin(force_refresh, kLongestRefresh);
}

OidcConfig OidcToken::Now() const {
  const MutexLock lock(mutex_);
  return config_;
}

Result<Credentials> OidcToken::GetWithin(bool force_refresh, std::chrono::milliseconds limit) {
  if (limit.count() == 0) limit = kLongestRefresh;
  const std::string before = Now().id_token;
  const MutexLock lock(refreshing_);
  OidcConfig config = Now();
  bool valid = false;
  if (!config.id_token.empty()) {
    const auto expiry = JwtExpiry(config.id_token);
    if (!expiry) return Fail(expiry.error(), whose_ + ": auth-provider oidc");
    valid = clock_.Wall() + kExpiryDelta < *expiry;
  }
  // A refused token is renewed if it can be, unless somebody has just done it.
  const bool refused = force_refresh && !config.refresh_token.empty() && config.id_token == before;
  if (!valid || refused) {
    auto renewed = Refresh(std::move(config), limit);
    if (!renewed) return Fail(std::move(renewed.error()), whose_ + ": auth-provider oidc");
    config = std::move(*renewed);
    const MutexLock state(mutex_);
    config_ = config;
  }
  Credentials credentials;
  credentials.bearer_token = config.id_token;
  return credentials;
}

std::optional<Credentials> OidcToken::TryGet() {
  const OidcConfig config = Now();
  const auto expiry = JwtExpiry(config.id_token);
  if (!expiry || clock_.Wall() + kExpiryDelta >= *expiry) return std::nullopt;
  Credentials credentials;
  credentials.bearer_token = config.id_token;
  return credentials;
}

Result<std::string> OidcToken::TokenEndpoint(const std::string& issuer,
                                             std::chrono::milliseconds limit) const {
  std::string url = issuer;
  if (!url.empty() && url.back() == '/') url.pop_back();
  url += "/.well-known/openid-configuration";
  auto answer = http_->Send(url, "", "", "", limit);
  if (!answer) return Fail(std::move(answer.error()));
  if (answer->status != 200) {
    return Fail(ErrorCode::kUnavailable, url + ": status " + std::to_string(answer->status));
  }
  std::string endpoint = ClaimText(AsObject(answer->body), "token_endpoint");
  if (endpoint.empty()) return Fail(ErrorCode::kInvalidArgument, url + ": has no token_endpoint");
  return endpoint;
}

Result<OidcConfig> OidcToken::Refresh(OidcConfig config, std::chrono::milliseconds limit) const {
  if (config.refresh_token.empty()) {
    return Fail(ErrorCode::kUnauthenticated,
                "the id-token has ended, and there is no refresh-token; log in again");
  }
  auto endpoint = TokenEndpoint(config.issuer_url, limit);
  if (!endpoint) return Fail(std::move(endpoint.error()));
  const std::string form =
      "grant_type=refresh_token&refresh_token=" + UrlEncode(config.refresh_token);
  // Some providers take the client's secret as basic authentication, others in the form alone.
  auto answer = http_->Send(*endpoint, form, UrlEncode(config.client_id),
                            UrlEncode(config.client_secret), limit);
  if (answer && !IsSuccess(answer->status)) {
    answer = http_->Send(*endpoint,
                         form + "&client_id=" + UrlEncode(config.client_id) +
                             "&client_secret=" + UrlEncode(config.client_secret),
                         "", "", limit);
  }
  if (!answer) return Fail(std::move(answer.error()));
  if (!IsSuccess(answer->status)) {
    // The body may say why in a word of RFC 6749 ("invalid_grant"); nothing else of it is shown.
    const std::string why = ClaimText(AsObject(answer->body), "error");
    return Fail(ErrorCode::kUnauthenticated, *endpoint + ": refuses the refresh-token (status " +
                                                 std::to_string(answer->status) +
                                                 (why.empty() ? "" : ", " + OneLine(why)) +
                                                 "); log in again");
  }
  const auto tokens = AsObject(answer->body);
  std::string id_token = ClaimText(tokens, "id_token");
  if (auto good = CheckBearerToken(id_token); !good) {
    return Fail(
        ErrorCode::kUnauthenticated,
        *endpoint + ": its answer has no id_token; the login must ask for the scope openid");
  }
  config.id_token = std::move(id_token);
  if (std::string next = ClaimText(tokens, "refresh_token"); !next.empty()) {
    config.refresh_token = std::move(next);
  }
  return config;
}

}  // namespace downwardfs::client
