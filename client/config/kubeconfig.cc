// SPDX-License-Identifier: Apache-2.0
#include "client/config/kubeconfig.h"

#include <algorithm>
#include <filesystem>

#include "base/base64.h"
#include "base/text.h"
#include "client/config/server_file.h"
#include "client/config/yaml_tree.h"

namespace downwardfs::client {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{16} << 20;
constexpr char kExecExtension[] = "client.authentication.k8s.io/exec";

// Reads the fields of one map and remembers the first error, so that a list of fields reads as one.
class Fields {
 public:
  Fields(YamlView view, std::string directory)
      : view_(std::move(view)), directory_(std::move(directory)) {}

  std::string Text(std::string_view key) { return Take(view_.String(key)); }
  bool Flag(std::string_view key) { return Take(view_.Bool(key)); }
  std::vector<std::string> Texts(std::string_view key) { return Take(view_.Strings(key)); }

  // Relative to the file's directory; an absolute path stays as it is written.
  std::string Path(std::string_view key) {
    std::string path = Text(key);
    if (path.empty() || path.front() == '/') return path;
    return (std::filesystem::path(directory_) / path).lexically_normal().string();
  }

  std::string Base64(std::string_view key) {
    auto bytes = Base64Decode(Text(key));
    if (bytes) return std::move(*bytes);
    Refuse(view_.Invalid(key, "is not base64"));
    return "";
  }

  void Refuse(Error error) {
    if (!error_) error_ = std::move(error);
  }

  const YamlView& view() const { return view_; }
  const std::optional<Error>& error() const { return error_; }

 private:
  template <class T>
  T Take(Result<T> value) {
    if (value) return std::move(*value);
    Refuse(std::move(value.error()));
    return T{};
  }

  const YamlView view_;
  const std::string directory_;
  std::optional<Error> error_;
};

// The extension that `provideClusterInfo` hands to the plugin. Other extensions are ignored.
std::string ExecConfigOf(Fields& fields) {
  const auto extensions = fields.view().Maps("extensions");
  if (!extensions) {
    fields.Refuse(extensions.error());
    return "";
  }
  for (const YamlView& extension : *extensions) {
    const YamlNode* name = extension.node().Find("name");
    if (name == nullptr || name->text != kExecExtension) continue;
    const YamlNode* value = extension.node().Find("extension");
    return value != nullptr ? YamlToJson(*value) : "";
  }
  return "";
}

KubeCluster ReadCluster(Fields& fields) {
  KubeCluster cluster;
  cluster.server = fields.Text("server");
  cluster.ca_file = fields.Path("certificate-authority");
  cluster.ca_pem = fields.Base64("certificate-authority-data");
  cluster.insecure_skip_tls_verify = fields.Flag("insecure-skip-tls-verify");
  cluster.tls_server_name = fields.Text("tls-server-name");
  cluster.proxy_url = fields.Text("proxy-url");
  cluster.disable_compression = fields.Flag("disable-compression");
  cluster.exec_config_json = ExecConfigOf(fields);
  return cluster;
}

// The fault of an exec entry whose fields are of the right kinds; empty if it has none. As in
// kubectl it matters only for the user that is chosen: a stale entry of another breaks nothing.
std::string ExecProblem(const YamlView& exec, const ExecSpec& spec, const std::string& mode) {
  const auto problem = [&](std::string_view key, std::string_view rule) {
    return exec.Invalid(key, rule).message;
  };
  const bool v1 = spec.api_version == "client.authentication.k8s.io/v1";
  if (!v1 && spec.api_version != "client.authentication.k8s.io/v1beta1") {
    return problem("apiVersion",
                   "must be client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1"
                   " (v1alpha1 was removed in Kubernetes 1.24: update the plugin)");
  }
  if (spec.command.empty()) return problem("command", "must be given");
  if (mode.empty() && v1) {
    return problem(
        "interactiveMode",
        "must be Never, IfAvailable or Always; client.authentication.k8s.io/v1 needs it");
  }
  if (!mode.empty() && mode != "Never" && mode != "IfAvailable" && mode != "Always") {
    return problem("interactiveMode", "must be Never, IfAvailable or Always");
  }
  for (const auto& variable : spec.env) {
    if (variable.first.empty() || variable.first.find('=') != std::string::npos) {
      return problem("env", "each entry needs the name of a variable");
    }
  }
  return "";
}

void ReadExec(Fields& fields, const std::string& directory, KubeUser& user) {
  if (!fields.view().Has("exec")) return;
  const auto map = fields.view().Map("exec");
  if (!map) return fields.Refuse(map.error());
  Fields exec(*map, directory);
  ExecSpec& spec = user.exec.emplace();
  spec.api_version = exec.Text("apiVersion");
  spec.command = exec.Text("command");
  if (spec.command.find('/') != std::string::npos) spec.command = exec.Path("command");
  spec.args = exec.Texts("args");
  spec.install_hint = exec.Text("installHint");
  spec.provide_cluster_info = exec.Flag("provideClusterInfo");
  const std::string mode = exec.Text("interactiveMode");
  if (mode == "Never") spec.interactive = ExecSpec::Interactive::kNever;
  if (mode == "Always") spec.interactive = ExecSpec::Interactive::kAlways;
  if (const auto variables = map->Maps("env"); !variables) {
    exec.Refuse(variables.error());
  } else {
    for (const YamlView& variable : *variables) {
      Fields pair(variable, directory);
      std::string name = pair.Text("name");
      spec.env.emplace_back(std::move(name), pair.Text("value"));
      if (pair.error()) exec.Refuse(*pair.error());
    }
  }
  if (exec.error()) return fields.Refuse(*exec.error());
  user.exec_problem = ExecProblem(*map, spec, mode);
}

Impersonation ReadImpersonation(Fields& fields) {
  Impersonation as;
  as.user = fields.Text("as");
  as.uid = fields.Text("as-uid");
  as.groups = fields.Texts("as-groups");
  const auto extra = fields.view().Map("as-user-extra");
  if (!extra) {
    fields.Refuse(extra.error());
    return as;
  }
  for (const std::string& key : extra->node().keys) {
    auto values = extra->Strings(key);
    if (!values) {
      fields.Refuse(std::move(values.error()));
    } else {
      as.extra[key] = std::move(*values);
    }
  }
  return as;
}

OidcConfig ReadOidc(const YamlView& provider, const std::string& directory, Fields& user) {
  OidcConfig oidc;
  const auto map = provider.Map("config");
  if (!map) {
    user.Refuse(map.error());
    return oidc;
  }
  Fields config(*map, directory);
  oidc.issuer_url = config.Text("idp-issuer-url");
  oidc.client_id = config.Text("client-id");
  oidc.client_secret = config.Text("client-secret");
  oidc.id_token = config.Text("id-token");
  oidc.refresh_token = config.Text("refresh-token");
  oidc.ca_file = config.Text("idp-certificate-authority");
  oidc.ca_pem = config.Base64("idp-certificate-authority-data");
  if (config.error()) user.Refuse(*config.error());
  return oidc;
}

KubeUser ReadUser(Fields& fields, const std::string& directory) {
  KubeUser user;
  user.client_cert_file = fields.Path("client-certificate");
  user.client_cert_pem = fields.Base64("client-certificate-data");
  user.client_key_file = fields.Path("client-key");
  user.client_key_pem = fields.Base64("client-key-data");
  user.token = fields.Text("token");
  user.token_file = fields.Path("tokenFile");
  user.username = fields.Text("username");
  user.password = fields.Text("password");
  user.impersonate = ReadImpersonation(fields);
  ReadExec(fields, directory, user);
  if (const auto provider = fields.view().Map("auth-provider"); !provider) {
    fields.Refuse(provider.error());
  } else if (fields.view().Has("auth-provider")) {
    const YamlNode* name = provider->node().Find("name");
    user.auth_provider = name != nullptr && !name->text.empty() ? name->text : "without a name";
    if (user.auth_provider == "oidc") user.oidc = ReadOidc(*provider, directory, fields);
  }
  return user;
}

KubeContext ReadContext(Fields& fields) {
  KubeContext context;
  context.cluster = fields.Text("cluster");
  context.user = fields.Text("user");
  context.ns = fields.Text("namespace");
  return context;
}

// Reads a list of `{name: N, KEY: {...}}` into a map; `read` turns the inner map's fields into an
// entry.
template <class Entry, class Read>
Status ReadEntries(const YamlView& root, std::string_view list, std::string_view key,
                   const std::string& file, const std::string& directory,
                   std::map<std::string, Entry>& entries, Read read) {
  const auto maps = root.Maps(list);
  if (!maps) return Fail(maps.error());
  for (const YamlView& map : *maps) {
    auto name = map.String("name");
    if (!name) return Fail(std::move(name.error()));
    const auto body = map.Map(key);
    if (!body) return Fail(body.error());
    Fields fields(*body, directory);
    Entry entry = read(fields);
    if (fields.error()) return Fail(*fields.error());
    entry.file = file;
    const std::string quoted = QuoteForMessage(*name);
    if (!entries.emplace(std::move(*name), std::move(entry)).second) {
      return Fail(map.Invalid("name", quoted + " occurs twice in " + std::string(list)));
    }
  }
  return {};
}

Status ReadAll(const YamlView& root, const std::string& file, const std::string& directory,
               Kubeconfig& config) {
  if (auto checked = root.CheckMap(); !checked) return checked;
  const auto kind = root.String("kind");
  if (!kind) return Fail(kind.error());
  if (!kind->empty() && *kind != "Config") {
    return Fail(root.Invalid("kind", "must be Config: this is no kubeconfig"));
  }
  const auto version = root.String("apiVersion");
  if (!version) return Fail(version.error());
  if (!version->empty() && *version != "v1") {
    return Fail(root.Invalid("apiVersion", "must be v1 in a kubeconfig"));
  }
  auto current = root.String("current-context");
  if (!current) return Fail(std::move(current.error()));
  config.current_context = std::move(*current);
  auto status = ReadEntries(root, "clusters", "cluster", file, directory, config.clusters,
                            [](Fields& f) { return ReadCluster(f); });
  if (!status) return status;
  status = ReadEntries(root, "users", "user", file, directory, config.users,
                       [&](Fields& f) { return ReadUser(f, directory); });
  if (!status) return status;
  return ReadEntries(root, "contexts", "context", file, directory, config.contexts,
                     [](Fields& f) { return ReadContext(f); });
}

}  // namespace

Result<Kubeconfig> ParseKubeconfig(std::string_view bytes, const std::string& file) {
  const auto tree = ParseYaml(bytes);
  if (!tree) return Fail(tree.error(), file);
  std::error_code ec;
  const auto absolute = std::filesystem::absolute(file, ec);
  if (ec) return Fail(ErrnoError(ec.value(), file));
  Kubeconfig config;
  config.files.push_back(file);
  const YamlView root(*tree, "");
  auto status = ReadAll(root, file, absolute.parent_path().string(), config);
  if (!status) return Fail(std::move(status.error()), file);
  return config;
}

void MergeKubeconfig(Kubeconfig& into, Kubeconfig from) {
  into.files.insert(into.files.end(), from.files.begin(), from.files.end());
  if (into.current_context.empty()) into.current_context = std::move(from.current_context);
  into.clusters.merge(from.clusters);
  into.users.merge(from.users);
  into.contexts.merge(from.contexts);
}

Result<Kubeconfig> LoadKubeconfigs(const std::vector<std::string>& files, bool skip_missing) {
  Kubeconfig merged;
  for (const std::string& file : files) {
    const auto bytes = ReadServerFile(file, kMaxFileBytes);
    if (!bytes && skip_missing && bytes.error().code == ErrorCode::kNotFound) continue;
    if (!bytes) return Fail(bytes.error(), "kubeconfig");
    auto config = ParseKubeconfig(*bytes, file);
    if (!config) return Fail(std::move(config.error()), "kubeconfig");
    MergeKubeconfig(merged, std::move(*config));
  }
  return merged;
}

std::vector<std::string> SplitKubeconfigList(std::string_view list) {
  std::vector<std::string> files;
  while (!list.empty()) {
    const std::string file(list.substr(0, list.find(':')));
    list.remove_prefix(std::min(list.size(), file.size() + 1));
    if (file.empty() || std::find(files.begin(), files.end(), file) != files.end()) continue;
    files.push_back(file);
  }
  return files;
}

}  // namespace downwardfs::client
