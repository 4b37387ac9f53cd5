// SPDX-License-Identifier: Apache-2.0
//
// Kubeconfig files: parsed, their relative paths resolved, and several of them merged as kubectl
// does (an entry comes whole from the first file that has it; so does current-context). The
// meaning of a chosen context is select_context.h's. Values, no state; any thread.
// Source: client-go tools/clientcmd (loader.go, api/v1/types.go), Kubernetes 1.20 to 1.32.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/config/cluster_config.h"
#include "client/config/exec_credential.h"
#include "client/config/oidc_token.h"

namespace downwardfs::client {

/// An entry of `clusters`. Paths are absolute.
struct KubeCluster {
  std::string file;  ///< the entry's file, for messages
  std::string server;
  std::string ca_file;
  std::string ca_pem;  ///< decoded
  bool insecure_skip_tls_verify = false;
  std::string tls_server_name;
  std::string proxy_url;
  bool disable_compression = false;
  std::string exec_config_json;  ///< the extension client.authentication.k8s.io/exec, as JSON
};

/// An entry of `users`. Paths are absolute.
struct KubeUser {
  std::string file;
  std::string client_cert_file;
  std::string client_cert_pem;
  std::string client_key_file;
  std::string client_key_pem;
  std::string token;
  std::string token_file;
  std::string username;
  std::string password;
  Impersonation impersonate;
  std::optional<ExecSpec> exec;
  std::string exec_problem;   ///< the rule that `exec` breaks; it counts when the user is chosen
  std::string auth_provider;  ///< its name; only "oidc" can be used
  OidcConfig oidc;            ///< of that provider
};

/// An entry of `contexts`.
struct KubeContext {
  std::string file;
  std::string cluster;
  std::string user;
  std::string ns;
};

/// One file, or several merged.
struct Kubeconfig {
  std::vector<std::string> files;  ///< those that were read
  std::string current_context;
  std::map<std::string, KubeCluster> clusters;
  std::map<std::string, KubeUser> users;
  std::map<std::string, KubeContext> contexts;
};

/// Parses the bytes of `file` (its directory, made absolute, is where relative paths start). No
/// I/O.
Result<Kubeconfig> ParseKubeconfig(std::string_view bytes, const std::string& file);

/// Adds what `into` does not have yet.
void MergeKubeconfig(Kubeconfig& into, Kubeconfig from);

/// Reads and merges the files in order. Missing ones are skipped if `skip_missing`.
Result<Kubeconfig> LoadKubeconfigs(const std::vector<std::string>& files, bool skip_missing);

/// The files of a $KUBECONFIG list: split at ':', empty ones and repetitions left out.
std::vector<std::string> SplitKubeconfigList(std::string_view list);

}  // namespace downwardfs::client
