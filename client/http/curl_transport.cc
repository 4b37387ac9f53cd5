// SPDX-License-Identifier: Apache-2.0
#include "client/http/curl_transport.h"

#include <algorithm>

#include "base/text.h"
#include "client/http/explain_fault.h"
#include "client/http/proxy_rules.h"
#include "client/http/request_target.h"

namespace downwardfs::client {
namespace {

constexpr int kMaxRedirects = 5;
// Somebody who may write long labels and annotations could make every compressed list look like a
// bomb; the list itself is no larger than the server's memory allows.
constexpr std::chrono::minutes kUncompressed{10};

// A line break in a value would let it add headers of its own.
Status CheckHeaderValue(std::string_view value, const std::string& what) {
  const bool bad = std::any_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (!bad) return {};
  return Fail(ErrorCode::kInvalidArgument, what + ": contains a control character");
}

// Impersonate-Extra keys are percent-encoded where they are no header token; client-go does so.
std::string HeaderKey(std::string_view key) {
  return UrlEscape(key);
}

Status AddImpersonation(const Impersonation& who, std::vector<std::string>* headers) {
  if (who.user.empty()) return {};
  std::vector<std::pair<std::string, std::string>> values{{"Impersonate-User", who.user}};
  if (!who.uid.empty()) values.emplace_back("Impersonate-Uid", who.uid);
  for (const std::string& group : who.groups) values.emplace_back("Impersonate-Group", group);
  for (const auto& [key, entries] : who.extra) {
    for (const std::string& entry : entries) {
      values.emplace_back(std::string("Impersonate-Extra-").append(HeaderKey(key)), entry);
    }
  }
  for (const auto& [name, value] : values) {
    if (auto ok = CheckHeaderValue(value, name); !ok) return ok;
    headers->push_back(Concat({name, ": ", value}));
  }
  return {};
}

NoAnswer NoAnswerOf(const TransferResult& result) {
  switch (result.fault) {
    case TransferFault::kResolve:
    case TransferFault::kConnect:
    case TransferFault::kTls:
    case TransferFault::kCertificate:
    case TransferFault::kIdentity:
    case TransferFault::kLocal:
      return NoAnswer::kNoConnection;
    case TransferFault::kTimeout:
      return result.own_limit ? NoAnswer::kOther : NoAnswer::kNoConnection;
    case TransferFault::kLost:
      return NoAnswer::kConnectionLost;
    default:
      return NoAnswer::kOther;
  }
}

}  // namespace

CurlTransport::CurlTransport(ClusterConfig config, const Clock& clock, LivenessLimits liveness)
    : config_(std::move(config)),
      clock_(clock),
      trust_(config_, clock),
      identity_(config_, clock),
      loop_(clock, liveness) {}

CurlTransport::~CurlTransport() = default;

std::string CurlTransport::Identity() const {
  if (!identity_.given()) return config_.credentials->Description();
  return "client certificate of " + (config_.user_name.empty()
                                         ? config_.origin
                                         : "user " + QuoteForMessage(config_.user_name));
}

Result<TransferSpec> CurlTransport::MakeSpec(const Credentials& credentials, bool reread_files) {
  TransferSpec spec;
  spec.url = config_.server;
  spec.compression =
      !config_.disable_compression &&
      clock_.Steady() >= Clock::SteadyTime(Clock::SteadyTime::duration(uncompressed_until_.load()));
  UrlParts url = SplitUrl(config_.server);
  SetProxy(&spec, url);
  if (!config_.tls_server_name.empty() && url.scheme == "https") {
    // curl asks TLS for the URL's host; so the URL gets the name and the connection the address.
    spec.connect_to = ConnectAddress(url);
    spec.headers.push_back("Host: " + HostHeader(url));
    const std::string path = url.path;
    url.host = config_.tls_server_name;
    spec.url = url.scheme + "://" + Authority(url) + path;
  }
  if (url.scheme == "https") spec.liveness_url = spec.url + "/livez";
  if (auto done = SetTls(&spec, credentials, reread_files); !done) {
    return Fail(std::move(done.error()));
  }
  if (!credentials.bearer_token.empty()) {
    const std::string what = config_.credentials->Description();
    if (auto ok = CheckHeaderValue(credentials.bearer_token, what); !ok) {
      return Fail(std::move(ok.error()));
    }
    spec.headers.push_back("Authorization: Bearer " + credentials.bearer_token);
  } else {
    spec.username = credentials.username;
    spec.password = credentials.password;
  }
  if (auto ok = AddImpersonation(config_.impersonate, &spec.headers); !ok) {
    return Fail(std::move(ok.error()));
  }
  return spec;
}

// As Go: an https proxy is trusted and shown what the server is. Over plain http neither is needed.
Status CurlTransport::SetTls(TransferSpec* spec, const Credentials& credentials, bool reread) {
  const bool https = spec->url.starts_with("https://");
  if (!https && SplitUrl(spec->proxy).scheme != "https") return {};
  spec->verify = !config_.insecure_skip_tls_verify;
  if (spec->verify) {
    auto trust = trust_.Get(reread);
    if (!trust) return Fail(std::move(trust.error()));
    spec->trust = std::move(*trust);
  }
  if (!credentials.client_cert_pem.empty()) {
    spec->identity = {credentials.client_cert_pem, credentials.client_key_pem};
    return {};
  }
  auto identity = identity_.Get(reread);
  if (!identity) return Fail(std::move(identity.error()));
  spec->identity = std::move(*identity);
  return {};
}

// As client-go: a proxy of the configuration is for every host; of the environment's, loopback and
// what NO_PROXY names are exempt. The host is the server's, whatever name TLS is to ask for.
void CurlTransport::SetProxy(TransferSpec* spec, const UrlParts& url) const {
  const std::string proxy =
      config_.proxy_url.empty() ? EnvironmentProxy(url.scheme) : config_.proxy_url;
  spec->proxy = ProxyForCurl(proxy);
  if (config_.proxy_url.empty() && BypassesProxy(url, EnvironmentNoProxy())) {
    spec->no_proxy = "*";
  }
}

Result<HttpResponse> CurlTransport::Send(const HttpRequest& request, const Credentials& credentials,
                                         bool reread_files, ResponseHandler& handler,
                                         Cancellation* cancellation) {
  auto spec = MakeSpec(credentials, reread_files);
  if (!spec) {
    handler.OnNoAnswer(NoAnswer::kNoConnection);
    return Fail(std::move(spec.error()), config_.server);
  }
  const std::string base = spec->url;
  std::string target = request.target;
  bool files_reread = reread_files;
  for (int redirects = 0;;) {
    spec->url = base + target;
    TransferResult result = loop_.Run(*spec, request, handler, cancellation);
    const bool trust_failed = result.fault == TransferFault::kCertificate ||
                              result.fault == TransferFault::kIdentity ||
                              result.fault == TransferFault::kTls;
    if (trust_failed && !files_reread) {
      // A CA or our certificate may have rotated within the files' interval.
      files_reread = true;
      auto again = MakeSpec(credentials, true);
      if (again && (again->trust != spec->trust || again->identity != spec->identity)) {
        spec = std::move(again);
        continue;
      }
    }
    if (result.fault != TransferFault::kNone) {
      if (result.fault == TransferFault::kExpansion) {
        uncompressed_until_ = (clock_.Steady() + kUncompressed).time_since_epoch().count();
      }
      handler.OnNoAnswer(NoAnswerOf(result));
      return Fail(ExplainFault(result, config_, spec->proxy, trust_.Describe()));
    }
    if (result.redirect_url.empty()) return std::move(result.response);
    auto next = TargetOnSameServer(base, result.redirect_url);
    if (!next) next = TargetOnSameServer(config_.server, result.redirect_url);
    if (request.method != "GET" || !next || ++redirects > kMaxRedirects) {
      return Fail(ErrorCode::kUnavailable,
                  config_.server + ": redirects to " + QuoteForMessage(result.redirect_url) +
                      ", which is not followed; set the server's address to where it really is");
    }
    target = *next;
  }
}

Result<HttpResponse> CurlTransport::Perform(const HttpRequest& request, ResponseHandler& handler,
                                            Cancellation* cancellation) {
  const auto limit = request.credentials_limit;
  auto credentials = config_.credentials->GetWithin(/*force_refresh=*/false, limit);
  if (!credentials) {
    handler.OnNoAnswer(NoAnswer::kNoConnection);
    return Fail(std::move(credentials.error()), config_.server);
  }
  auto response = Send(request, *credentials, /*reread_files=*/false, handler, cancellation);
  if (!response || response->status != 401) return response;
  const auto identity = identity_.Get(/*reread=*/false);
  auto fresh = config_.credentials->GetWithin(/*force_refresh=*/true, limit);
  if (!fresh) return response;
  const auto fresh_identity = identity_.Get(/*reread=*/true);
  const bool same =
      *fresh == *credentials && (!fresh_identity || (identity && *identity == *fresh_identity));
  if (same) return response;
  return Send(request, *fresh, /*reread_files=*/false, handler, cancellation);
}

}  // namespace downwardfs::client
