// SPDX-License-Identifier: Apache-2.0
#include "client/config/select_context.h"

#include <utility>

#include "base/text.h"
#include "client/config/server_url.h"
#include "client/config/token_file.h"

namespace downwardfs::client {
namespace {

std::string Join(const std::vector<std::string>& parts) {
  std::string joined;
  for (const std::string& part : parts) joined += (joined.empty() ? "" : ", ") + part;
  return joined;
}

std::string KnownContexts(const Kubeconfig& config) {
  constexpr std::size_t kShown = 10;
  if (config.contexts.empty()) return "it has no contexts";
  std::vector<std::string> names;
  for (const auto& entry : config.contexts) {
    if (names.size() == kShown) break;
    names.push_back(QuoteForMessage(entry.first));
  }
  return "it has " + Join(names) + (config.contexts.size() > kShown ? ", ..." : "");
}

Error Refusal(const std::string& file, const std::string& entry, std::string_view rule) {
  return Error{ErrorCode::kInvalidArgument, file + ": " + entry + ": " + std::string(rule)};
}

bool IsPem(const std::string& bytes) {
  return bytes.find("-----BEGIN ") != std::string::npos;
}

// RFC 1123 label: what a namespace's name must be (it goes into the path of requests).
bool IsDnsLabel(std::string_view text) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 63) return false;
  for (const char c : text) {
    if (!alphanumeric(c) && c != '-') return false;
  }
  return alphanumeric(text.front()) && alphanumeric(text.back());
}

// client-go has had plugins of these names; today it knows oidc alone.
std::string AuthProviderProblem(const KubeUser& user) {
  const std::string& name = user.auth_provider;
  if (name.empty()) return "";
  if (name == "oidc") {
    if (user.oidc.issuer_url.empty()) return "auth-provider oidc: config needs idp-issuer-url";
    if (user.oidc.client_id.empty()) return "auth-provider oidc: config needs client-id";
    return "";
  }
  const std::string what = "auth-provider " + QuoteForMessage(name);
  if (name == "gcp" || name == "azure") {
    return what + " was removed from kubectl in 1.26; use the exec plugin " +
           (name == "gcp" ? "gke-gcloud-auth-plugin" : "kubelogin");
  }
  return what + " is not known to kubectl; use an exec plugin, or oidc";
}

// The rule that the user's entry breaks; empty if none.
std::string UserProblem(const KubeUser& user) {
  const bool has_cert = !user.client_cert_file.empty() || !user.client_cert_pem.empty();
  const bool has_key = !user.client_key_file.empty() || !user.client_key_pem.empty();
  if (!user.auth_provider.empty() && user.exec) {
    return "auth-provider and exec are both given; remove one";
  }
  if (std::string problem = AuthProviderProblem(user); !problem.empty()) return problem;
  if (!user.token.empty() && (!user.username.empty() || !user.password.empty())) {
    return "token and username/password are both given; only one is allowed";
  }
  if (!user.client_cert_file.empty() && !user.client_cert_pem.empty()) {
    return "client-certificate and client-certificate-data are both given; remove one";
  }
  if (has_cert && !user.client_key_file.empty() && !user.client_key_pem.empty()) {
    return "client-key and client-key-data are both given; remove one";
  }
  if (has_cert && !has_key) {
    return "a client certificate needs client-key or client-key-data too";
  }
  if (has_cert && !user.client_cert_pem.empty() && !IsPem(user.client_cert_pem)) {
    return "client-certificate-data is base64 of something that is not PEM";
  }
  if (has_cert && !user.client_key_pem.empty() && !IsPem(user.client_key_pem)) {
    return "client-key-data is base64 of something that is not PEM";
  }
  if (!user.exec_problem.empty()) return user.exec_problem;
  const Impersonation& as = user.impersonate;
  if (as.user.empty() && (!as.uid.empty() || !as.groups.empty() || !as.extra.empty())) {
    return "as-uid, as-groups and as-user-extra need `as`";
  }
  if (!user.token.empty()) {
    if (const auto checked = CheckBearerToken(user.token); !checked) {
      return "token: " + checked.error().message;
    }
  }
  return "";
}

std::string ClusterProblem(const KubeCluster& cluster) {
  const bool has_ca = !cluster.ca_file.empty() || !cluster.ca_pem.empty();
  if (cluster.server.empty()) return "it has no server";
  if (!cluster.ca_file.empty() && !cluster.ca_pem.empty()) {
    return "certificate-authority and certificate-authority-data are both given; remove one";
  }
  if (cluster.insecure_skip_tls_verify && has_ca) {
    return "a certificate authority and insecure-skip-tls-verify exclude each other; remove one";
  }
  if (!cluster.ca_pem.empty() && !IsPem(cluster.ca_pem)) {
    return "certificate-authority-data is base64 of something that is not PEM";
  }
  if (!cluster.proxy_url.empty()) {
    if (const auto checked = CheckProxyUrl(cluster.proxy_url); !checked) {
      return "proxy-url: " + checked.error().message;
    }
  }
  return "";
}

void SetTls(const KubeCluster& cluster, const KubeUser& user, ClusterConfig& to) {
  to.ca_pem = cluster.ca_pem;
  to.ca_file = cluster.ca_file;
  to.insecure_skip_tls_verify = cluster.insecure_skip_tls_verify;
  to.tls_server_name = cluster.tls_server_name;
  // A key without a certificate is nothing: kubectl passes over it too.
  if (user.client_cert_file.empty() && user.client_cert_pem.empty()) return;
  to.client_cert_pem = user.client_cert_pem;
  to.client_cert_file = user.client_cert_file;
  to.client_key_pem = user.client_key_pem;
  to.client_key_file = user.client_key_file;
}

void ClearTls(ClusterConfig& config) {
  for (std::string* member :
       {&config.ca_pem, &config.ca_file, &config.tls_server_name, &config.client_cert_pem,
        &config.client_cert_file, &config.client_key_pem, &config.client_key_file}) {
    member->clear();
  }
  config.insecure_skip_tls_verify = false;
}

// Which of several kinds wins: as in client-go, where a set Authorization header stops the plugin.
std::shared_ptr<CredentialProvider> MakeProvider(const KubeUser& user, const ClusterConfig& config,
                                                 const std::string& exec_config,
                                                 const ProviderTools& tools) {
  const std::string whose = "user " + QuoteForMessage(config.user_name) + " of " + user.file;
  if (!user.token_file.empty()) {
    return std::make_shared<TokenFile>(user.token_file, user.token, *tools.clock);
  }
  if (!user.token.empty()) {
    Credentials credentials;
    credentials.bearer_token = user.token;
    return FixedCredentials(std::move(credentials), "token of " + whose);
  }
  if (!user.username.empty() || !user.password.empty()) {
    Credentials credentials;
    credentials.username = user.username;
    credentials.password = user.password;
    return FixedCredentials(std::move(credentials), "username and password of " + whose);
  }
  if (user.auth_provider == "oidc") {
    return std::make_shared<OidcToken>(user.oidc, whose, MakeOidcHttp(user.oidc), *tools.clock);
  }
  if (!user.exec) return AnonymousCredentials();
  ExecCluster cluster = {.server = config.server,
                         .tls_server_name = config.tls_server_name,
                         .insecure_skip_tls_verify = config.insecure_skip_tls_verify,
                         .ca_pem = config.ca_pem,
                         .ca_file = config.ca_file,
                         .proxy_url = config.proxy_url,
                         .disable_compression = config.disable_compression,
                         .config_json = exec_config};
  return std::make_shared<ExecCredential>(*user.exec, std::move(cluster), whose, *tools.runner,
                                          *tools.clock);
}

}  // namespace

Result<ClusterConfig> SelectContext(const Kubeconfig& config, const std::string& context,
                                    const ProviderTools& tools) {
  const std::string files = "kubeconfig " + Join(config.files);
  const std::string& name = context.empty() ? config.current_context : context;
  if (name.empty()) {
    return Fail(ErrorCode::kNotFound, files + ": no current-context is set; give --context (" +
                                          KnownContexts(config) + ")");
  }
  const auto chosen = config.contexts.find(name);
  if (chosen == config.contexts.end()) {
    // A current-context that leads nowhere is a broken file, not an absent one.
    return Fail(context.empty() ? ErrorCode::kInvalidArgument : ErrorCode::kNotFound,
                files + ": " + (context.empty() ? "current-context " : "context ") +
                    QuoteForMessage(name) + " does not exist (" + KnownContexts(config) + ")");
  }
  const KubeContext& from = chosen->second;
  const std::string context_entry = "context " + QuoteForMessage(name);
  const auto cluster = config.clusters.find(from.cluster);
  if (cluster == config.clusters.end()) {
    return Fail(Refusal(from.file, context_entry,
                        from.cluster.empty()
                            ? "it names no cluster"
                            : "its cluster " + QuoteForMessage(from.cluster) + " does not exist"));
  }
  static const KubeUser kNobody;
  const KubeUser* user = &kNobody;
  if (const auto found = config.users.find(from.user); found != config.users.end()) {
    user = &found->second;
  } else if (!from.user.empty()) {
    return Fail(Refusal(from.file, context_entry,
                        "its user " + QuoteForMessage(from.user) + " does not exist"));
  }
  if (!from.ns.empty() && !IsDnsLabel(from.ns)) {
    return Fail(Refusal(from.file, context_entry,
                        "namespace " + QuoteForMessage(from.ns) +
                            " must be a DNS label (a-z, 0-9, '-', at most 63)"));
  }
  const std::string cluster_entry = "cluster " + QuoteForMessage(from.cluster);
  if (const std::string problem = ClusterProblem(cluster->second); !problem.empty()) {
    return Fail(Refusal(cluster->second.file, cluster_entry, problem));
  }
  if (const std::string problem = UserProblem(*user); !problem.empty()) {
    return Fail(Refusal(user->file, "user " + QuoteForMessage(from.user), problem));
  }

  ClusterConfig result;
  SetTls(cluster->second, *user, result);
  const bool default_tls = !result.ca_pem.empty() || !result.ca_file.empty() ||
                           !result.client_cert_pem.empty() || !result.client_cert_file.empty() ||
                           result.insecure_skip_tls_verify;
  auto server = NormalizeServerUrl(cluster->second.server, default_tls);
  if (!server) {
    return Fail(Refusal(cluster->second.file, cluster_entry, server.error().message));
  }
  result.server = std::move(*server);
  result.proxy_url = cluster->second.proxy_url;
  result.disable_compression = cluster->second.disable_compression;
  result.impersonate = user->impersonate;
  if (!from.ns.empty()) result.default_namespace = from.ns;
  result.origin = context_entry + " of " + from.file;
  result.context = name;
  result.user_name = from.user;
  if (IsHttps(result.server)) {
    result.credentials = MakeProvider(*user, result, cluster->second.exec_config_json, tools);
  } else {
    // Nothing secret goes over plain http; kubectl leaves all of it out likewise.
    ClearTls(result);
  }
  return result;
}

}  // namespace downwardfs::client
