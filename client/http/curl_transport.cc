// SPDX-License-Identifier: Apache-2.0
#include "client/http/curl_transport.h"

#include <algorithm>

#include "base/text.h"
#include "client/http/proxy_rules.h"
#include "client/http/request_target.h"

namespace downwardfs::client {
namespace {

constexpr int kMaxRedirects = 5;

std::unique_ptr<RotatingFile> Rotating(const std::string& bytes, const std::string& path,
                                       const Clock& clock) {
  if (!bytes.empty() || path.empty()) return nullptr;
  return std::make_unique<RotatingFile>(path, clock);
}

Result<std::string> Pem(const std::string& bytes, RotatingFile* file, bool reread) {
  if (file == nullptr) return bytes;
  auto read = file->Get(reread);
  if (!read) return Fail(std::move(read.error()));
  return **read;
}

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
      ca_file_(Rotating(config_.ca_pem, config_.ca_file, clock)),
      cert_file_(Rotating(config_.client_cert_pem, config_.client_cert_file, clock)),
      key_file_(Rotating(config_.client_key_pem, config_.client_key_file, clock)),
      loop_(clock, liveness) {}

CurlTransport::~CurlTransport() = default;

std::string CurlTransport::Identity() const {
  const bool certificate = cert_file_ || !config_.client_cert_pem.empty();
  if (!certificate) return config_.credentials->Description();
  return "client certificate of " + (config_.user_name.empty()
                                         ? config_.origin
                                         : "user " + QuoteForMessage(config_.user_name));
}

Result<TransferSpec> CurlTransport::MakeSpec(const Credentials& credentials, bool reread_files) {
  TransferSpec spec;
  spec.url = config_.server;
  spec.compression = !config_.disable_compression;
  UrlParts url = SplitUrl(config_.server);
  SetProxy(&spec, url);
  if (!config_.tls_server_name.empty() && url.scheme == "https") {
    // curl asks TLS for the URL's host; so the URL gets the name and the connection the address.
    spec.connect_to = Authority(url);
    spec.headers.push_back("Host: " + Authority(url));
    const std::string path = url.path;
    url.host = config_.tls_server_name;
    spec.url = url.scheme + "://" + Authority(url) + path;
  }
  if (url.scheme == "https") {
    spec.liveness_url = spec.url + "/livez";
    spec.verify = !config_.insecure_skip_tls_verify;
    auto ca = Pem(config_.ca_pem, ca_file_.get(), reread_files);
    if (!ca) return Fail(std::move(ca.error()), "certificate authority");
    spec.ca_pem = std::move(*ca);
    if (ca_file_ != nullptr && spec.ca_pem.empty()) {
      return Fail(ErrorCode::kFailedPrecondition,
                  "certificate authority: " + config_.ca_file + " is empty");
    }
    auto cert = Pem(config_.client_cert_pem, cert_file_.get(), reread_files);
    if (!cert) return Fail(std::move(cert.error()), "client certificate");
    auto key = Pem(config_.client_key_pem, key_file_.get(), reread_files);
    if (!key) return Fail(std::move(key.error()), "client key");
    spec.cert_pem = std::move(*cert);
    spec.key_pem = std::move(*key);
    if (!credentials.client_cert_pem.empty()) {
      spec.cert_pem = credentials.client_cert_pem;
      spec.key_pem = credentials.client_key_pem;
    }
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

Error CurlTransport::Explain(const TransferResult& result) const {
  const auto make = [this](ErrorCode code, const std::string& text) {
    return Error{code, config_.server + ": " + OneLine(text)};
  };
  const std::string host = SplitUrl(config_.server).host;
  switch (result.fault) {
    case TransferFault::kResolve:
      return make(ErrorCode::kUnavailable, "unknown host: " + result.detail +
                                               "; check the server's address in " + config_.origin);
    case TransferFault::kConnect:
      return make(ErrorCode::kUnavailable,
                  "cannot connect: " + result.detail +
                      "; check that the API server runs and that its address is right");
    case TransferFault::kCertificate: {
      const std::string trusted = !config_.ca_file.empty()  ? config_.ca_file
                                  : !config_.ca_pem.empty() ? "the CA data of " + config_.origin
                                                            : "the system's CAs";
      const std::string name = config_.tls_server_name.empty() ? host : config_.tls_server_name;
      return make(ErrorCode::kFailedPrecondition,
                  "its certificate is not trusted: " + result.detail + "; it must be signed by " +
                      trusted + " and name " + QuoteForMessage(name) +
                      " (give the right CA or tls-server-name)");
    }
    case TransferFault::kIdentity:
      return make(ErrorCode::kFailedPrecondition,
                  "the client certificate or key of " +
                      (config_.user_name.empty() ? config_.origin : "user " + config_.user_name) +
                      " cannot be used: " + result.detail);
    case TransferFault::kTls:
      return make(ErrorCode::kUnavailable,
                  "TLS handshake failed: " + result.detail +
                      "; check that the port speaks TLS and accepts our client certificate");
    case TransferFault::kTimeout:
      if (!result.own_limit) {
        return make(ErrorCode::kUnavailable, "cannot connect: " + result.detail +
                                                 "; check the address and what lies between");
      }
      return make(ErrorCode::kDeadlineExceeded, "no answer: " + result.detail);
    case TransferFault::kLocal:
      return make(ErrorCode::kUnavailable, "cannot connect: " + result.detail);
    case TransferFault::kLost:
      return make(ErrorCode::kUnavailable, "the connection is dead: " + result.detail);
    case TransferFault::kCancelled:
      return make(ErrorCode::kCancelled, "cancelled");
    case TransferFault::kHandler:
      return result.handler_error;
    case TransferFault::kBroken:
    case TransferFault::kNone:
      break;
  }
  return make(ErrorCode::kUnavailable, "the connection broke: " + result.detail);
}

Result<HttpResponse> CurlTransport::Send(const HttpRequest& request, const Credentials& credentials,
                                         ResponseHandler& handler, Cancellation* cancellation) {
  auto spec = MakeSpec(credentials, /*reread_files=*/false);
  if (!spec) {
    handler.OnNoAnswer(NoAnswer::kNoConnection);
    return Fail(std::move(spec.error()), config_.server);
  }
  const std::string base = spec->url;
  std::string target = request.target;
  bool files_reread = false;
  for (int redirects = 0;;) {
    spec->url = base + target;
    TransferResult result = loop_.Run(*spec, request, handler, cancellation);
    const bool trust_failed = result.fault == TransferFault::kCertificate ||
                              result.fault == TransferFault::kIdentity ||
                              result.fault == TransferFault::kTls;
    if (trust_failed && !files_reread && (ca_file_ || cert_file_ || key_file_)) {
      // A CA or our certificate may have rotated within the files' interval.
      files_reread = true;
      auto again = MakeSpec(credentials, true);
      if (again && (again->ca_pem != spec->ca_pem || again->cert_pem != spec->cert_pem)) {
        spec = std::move(again);
        continue;
      }
    }
    if (result.fault != TransferFault::kNone) {
      handler.OnNoAnswer(NoAnswerOf(result));
      return Fail(Explain(result));
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
  auto response = Send(request, *credentials, handler, cancellation);
  if (!response || response->status != 401) return response;
  auto fresh = config_.credentials->GetWithin(/*force_refresh=*/true, limit);
  if (!fresh || *fresh == *credentials) return response;
  return Send(request, *fresh, handler, cancellation);
}

}  // namespace downwardfs::client
