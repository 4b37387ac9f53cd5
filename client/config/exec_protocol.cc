// SPDX-License-Identifier: Apache-2.0
// The two documents between us and an exec plugin: ExecInfo() and ParseExecAnswer().
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/file.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "client/config/exec_credential.h"
#include "client/config/rotating_file.h"
#include "client/config/tls_identity.h"
#include "client/config/yaml_tree.h"

namespace downwardfs::client {

Result<std::string> ExecInfo(const ExecSpec& spec, const ExecCluster& cluster, bool interactive) {
  using Json = nlohmann::ordered_json;
  Json info = {{"kind", "ExecCredential"},
               {"apiVersion", spec.api_version},
               {"spec", {{"interactive", interactive}}}};
  if (spec.provide_cluster_info) {
    std::string ca = cluster.ca_pem;
    if (ca.empty() && !cluster.ca_file.empty()) {
      auto read = ReadFile(cluster.ca_file, RotatingFile::kMaxBytes);
      if (!read) return Fail(std::move(read.error()));
      ca = std::move(*read);
    }
    Json told = {{"server", cluster.server}};
    if (!cluster.tls_server_name.empty()) told["tls-server-name"] = cluster.tls_server_name;
    if (cluster.insecure_skip_tls_verify) told["insecure-skip-tls-verify"] = true;
    if (!ca.empty()) told["certificate-authority-data"] = Base64Encode(ca);
    if (!cluster.proxy_url.empty()) told["proxy-url"] = cluster.proxy_url;
    if (cluster.disable_compression) told["disable-compression"] = true;
    if (!cluster.config_json.empty()) {
      Json config = Json::parse(cluster.config_json, nullptr, /*allow_exceptions=*/false);
      told["config"] = config.is_discarded() ? Json(nullptr) : std::move(config);
    }
    info["spec"]["cluster"] = std::move(told);
  }
  return info.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ExecAnswer> ParseExecAnswer(const std::string& output, const std::string& api_version) {
  const auto refuse = [](std::string message) {
    return Fail(ErrorCode::kUnauthenticated, std::move(message));
  };
  const auto tree = ParseYaml(output);
  if (!tree) return refuse("its output is no ExecCredential: " + tree.error().message);
  if (tree->kind != YamlNode::Kind::kMap) return refuse("its output is no ExecCredential");
  const YamlView root(*tree, "");
  const auto version = root.String("apiVersion");
  const auto kind = root.String("kind");
  if (!version || !kind || (!kind->empty() && *kind != "ExecCredential")) {
    return refuse("its output is no ExecCredential: kind and apiVersion are wrong or missing");
  }
  if (*version != api_version) {
    return refuse("it answered in version " + QuoteForMessage(*version) +
                  ", but the kubeconfig's exec.apiVersion is " + QuoteForMessage(api_version));
  }
  const auto status = root.Map("status");
  if (!status) return refuse("its output: " + status.error().message);
  if (!root.Has("status")) return refuse("its output has no status");
  ExecAnswer answer;
  struct Field {
    const char* key;
    std::string* to;
  };
  std::string expires;
  for (const auto& [key, to] : {Field{"token", &answer.credentials.bearer_token},
                                Field{"clientCertificateData", &answer.credentials.client_cert_pem},
                                Field{"clientKeyData", &answer.credentials.client_key_pem},
                                Field{"expirationTimestamp", &expires}}) {
    auto value = status->String(key);
    if (!value) return refuse("its output: " + value.error().message);
    *to = std::move(*value);
  }
  const Credentials& got = answer.credentials;
  if (got.bearer_token.empty() && got.client_cert_pem.empty() && got.client_key_pem.empty()) {
    return refuse("its output has neither a token nor a client certificate with its key");
  }
  if (got.client_cert_pem.empty() != got.client_key_pem.empty()) {
    return refuse("its output has a client certificate or a key, but not both");
  }
  if (!got.client_cert_pem.empty()) {
    auto identity = CheckTlsIdentity(got.client_cert_pem, got.client_key_pem,
                                     {"status.clientCertificateData", "status.clientKeyData"});
    if (!identity) return refuse("its output: " + identity.error().message);
    answer.credentials.client_cert_pem = std::move(identity->cert_pem);
    answer.credentials.client_key_pem = std::move(identity->key_pem);
  }
  if (!got.bearer_token.empty()) {
    if (const auto checked = CheckBearerToken(got.bearer_token); !checked) {
      return refuse("its output: status.token: " + checked.error().message);
    }
  }
  if (!expires.empty()) {
    answer.expires = ParseRfc3339(expires);
    if (!answer.expires) return refuse("its output: status.expirationTimestamp is not RFC 3339");
  }
  return answer;
}

}  // namespace downwardfs::client
