// SPDX-License-Identifier: Apache-2.0
#include "client/config/resolve.h"

#include <utility>

#include "client/config/kubeconfig.h"
#include "client/config/server_file.h"
#include "client/config/server_url.h"
#include "client/config/token_file.h"

namespace downwardfs::client {
namespace {

tl::unexpected<Error> WrongUsage(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

// Makes a missing or unreadable file an error now, with its name, instead of one of TLS later.
Result<ClusterConfig> CheckFiles(Result<ClusterConfig> config) {
  if (!config) return config;
  struct Named {
    const char* what;
    const std::string& path;
  };
  for (const auto& [what, path] : {Named{"certificate authority", config->ca_file},
                                   Named{"client certificate", config->client_cert_file},
                                   Named{"client key", config->client_key_file}}) {
    if (path.empty()) continue;
    if (auto read = ReadServerFile(path, RotatingFile::kMaxBytes); !read) {
      return Fail(std::move(read.error()), config->origin + ": " + what);
    }
  }
  return config;
}

Result<ClusterConfig> FromFlags(const ServerFlags& flags, const ProviderTools& tools) {
  ClusterConfig config;
  const bool wants_tls =
      !flags.ca_file.empty() || !flags.token_file.empty() || flags.insecure_skip_tls_verify;
  auto server = NormalizeServerUrl(flags.server, wants_tls);
  if (!server) return Fail(std::move(server.error()), "--server");
  config.server = std::move(*server);
  config.origin = "--server " + config.server;
  if (!IsHttps(config.server) && wants_tls) {
    return WrongUsage("--server " + config.server +
                      ": --token-file, --ca-file and --insecure-skip-tls-verify need https://"
                      " (a token is never sent in clear text)");
  }
  if (flags.insecure_skip_tls_verify && !flags.ca_file.empty()) {
    return WrongUsage("--ca-file and --insecure-skip-tls-verify exclude each other");
  }
  config.ca_file = flags.ca_file;
  config.insecure_skip_tls_verify = flags.insecure_skip_tls_verify;
  if (!flags.token_file.empty()) {
    auto token = std::make_shared<TokenFile>(flags.token_file, "", *tools.clock);
    if (auto read = token->Get(false); !read) return Fail(std::move(read.error()), "--token-file");
    config.credentials = std::move(token);
  }
  return config;
}

Result<ClusterConfig> FromKubeconfigs(const std::vector<std::string>& files, bool skip_missing,
                                      const ServerFlags& flags, const Surroundings& surroundings) {
  const auto kubeconfig = LoadKubeconfigs(files, skip_missing);
  if (!kubeconfig) return Fail(kubeconfig.error());
  if (kubeconfig->files.empty()) return Fail(ErrorCode::kNotFound, "no such file");
  return SelectContext(*kubeconfig, flags.context, surroundings.tools);
}

}  // namespace

Result<ClusterConfig> ResolveClusterConfig(const ServerFlags& flags,
                                           const Surroundings& surroundings) {
  if (!flags.server.empty()) {
    if (!flags.kubeconfig.empty() || !flags.context.empty()) {
      return WrongUsage("--server and --kubeconfig or --context exclude each other");
    }
    return CheckFiles(FromFlags(flags, surroundings.tools));
  }
  if (!flags.token_file.empty() || !flags.ca_file.empty() || flags.insecure_skip_tls_verify) {
    return WrongUsage("--token-file, --ca-file and --insecure-skip-tls-verify go with --server");
  }
  if (!flags.kubeconfig.empty()) {
    return CheckFiles(FromKubeconfigs({flags.kubeconfig}, false, flags, surroundings));
  }

  std::string tried;
  const std::string list = surroundings.variable("KUBECONFIG");
  const std::string home = surroundings.variable("HOME");
  std::vector<std::string> files = SplitKubeconfigList(list);
  std::string name = "$KUBECONFIG (" + list + ")";
  if (files.empty()) {
    name = "~/.kube/config";
    tried = "$KUBECONFIG is not set; ";
    if (!home.empty()) files = {home + "/.kube/config"};
  }
  auto config = FromKubeconfigs(files, true, flags, surroundings);
  // A broken kubeconfig stays an error; an absent one leads on to the pod, unless a context was
  // asked for by name.
  if (config || config.error().code != ErrorCode::kNotFound) return CheckFiles(std::move(config));
  tried += name + ": " + (files.empty() ? "$HOME is not set" : config.error().message);
  if (!flags.context.empty()) {
    return Fail(ErrorCode::kNotFound, "--context " + flags.context + ": " + tried);
  }
  auto in_cluster = InClusterConfig(surroundings);
  if (in_cluster || in_cluster.error().code != ErrorCode::kNotFound) return in_cluster;
  return Fail(ErrorCode::kNotFound,
              "no API server is configured; tried: " + tried + "; " + in_cluster.error().message +
                  ". Give --kubeconfig FILE, --server URL or --pod-file FILE");
}

}  // namespace downwardfs::client
