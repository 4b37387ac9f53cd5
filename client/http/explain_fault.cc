// SPDX-License-Identifier: Apache-2.0
#include "client/http/explain_fault.h"

#include "base/text.h"
#include "client/http/proxy_rules.h"
#include "client/http/request_target.h"

namespace downwardfs::client {
namespace {

Error UntrustedCertificate(const std::string& whose, const std::string& detail,
                           const std::string& trusted, const std::string& name,
                           const std::string& advice) {
  return {ErrorCode::kFailedPrecondition, whose + " certificate is not trusted: " + detail +
                                              "; it must be signed by " + trusted + " and name " +
                                              QuoteForMessage(name) + " (" + advice + ")"};
}

// The fault lies between us and the proxy, or with it.
Error ProxyFault(const TransferResult& result, const ClusterConfig& config,
                 const std::string& proxy, const std::string& trusted) {
  const std::string where =
      config.proxy_url.empty() ? "the environment" : "proxy-url of " + config.origin;
  const std::string name = "the proxy " + ProxyForMessage(proxy);
  switch (result.fault) {
    case TransferFault::kCertificate:
      return UntrustedCertificate(name + ": its", result.detail, trusted,
                                  SplitUrl(ProxyForMessage(proxy)).host,
                                  "as in kubectl, the cluster's CA is the proxy's as well");
    case TransferFault::kTls:
      return {ErrorCode::kUnavailable, "TLS handshake with " + name + " failed: " + result.detail +
                                           "; check that it speaks TLS (" + where + ")"};
    default:
      return {ErrorCode::kUnavailable, "cannot connect through " + name + ": " + result.detail +
                                           "; check the proxy (" + where + ")"};
  }
}

Error ServerFault(const TransferResult& result, const ClusterConfig& config,
                  const std::string& trusted) {
  switch (result.fault) {
    case TransferFault::kResolve:
      return {ErrorCode::kUnavailable, "unknown host: " + result.detail +
                                           "; check the server's address in " + config.origin};
    case TransferFault::kConnect:
      return {ErrorCode::kUnavailable,
              "cannot connect: " + result.detail +
                  "; check that the API server runs and that its address is right"};
    case TransferFault::kCertificate:
      return UntrustedCertificate(
          "its", result.detail, trusted,
          config.tls_server_name.empty() ? SplitUrl(config.server).host : config.tls_server_name,
          "give the right CA or tls-server-name");
    case TransferFault::kIdentity:
      return {ErrorCode::kFailedPrecondition,
              "the client certificate or key of " +
                  (config.user_name.empty() ? config.origin : "user " + config.user_name) +
                  " cannot be used: " + result.detail};
    case TransferFault::kTls:
      return {ErrorCode::kUnavailable,
              "TLS handshake failed: " + result.detail +
                  "; check that the port speaks TLS and accepts our client certificate"};
    case TransferFault::kTimeout:
      if (result.own_limit) return {ErrorCode::kDeadlineExceeded, "no answer: " + result.detail};
      return {ErrorCode::kUnavailable,
              "cannot connect: " + result.detail + "; check the address and what lies between"};
    case TransferFault::kLocal:
      return {ErrorCode::kUnavailable, "cannot connect: " + result.detail};
    case TransferFault::kLost:
      return {ErrorCode::kUnavailable, "the connection is dead: " + result.detail};
    case TransferFault::kCancelled:
      return {ErrorCode::kCancelled, "cancelled"};
    case TransferFault::kEncoding:
      return {ErrorCode::kUnavailable, "its answer cannot be decoded: " + result.detail};
    case TransferFault::kExpansion:
      return {ErrorCode::kUnavailable, "its answer was given up: " + result.detail +
                                           "; asking without compression for a while"};
    case TransferFault::kHandler:
    case TransferFault::kBroken:
    case TransferFault::kNone:
      break;
  }
  return {ErrorCode::kUnavailable, "the connection broke: " + result.detail};
}

bool OfConnecting(const TransferResult& result) {
  switch (result.fault) {
    case TransferFault::kResolve:
    case TransferFault::kConnect:
    case TransferFault::kCertificate:
    case TransferFault::kTls:
    case TransferFault::kBroken:
      return true;
    case TransferFault::kTimeout:
      return !result.own_limit;
    default:
      return false;
  }
}

}  // namespace

Error ExplainFault(const TransferResult& result, const ClusterConfig& config,
                   const std::string& proxy, const std::string& trusted) {
  if (result.fault == TransferFault::kHandler) return result.handler_error;
  Error error = result.at_proxy && OfConnecting(result) ? ProxyFault(result, config, proxy, trusted)
                                                        : ServerFault(result, config, trusted);
  error.message = OneLine(error.message);
  return std::move(error).WithContext(config.server);
}

}  // namespace downwardfs::client
