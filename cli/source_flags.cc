// SPDX-License-Identifier: Apache-2.0
#include "cli/source_flags.h"

#include "cli/duration.h"

namespace downwardfs {
namespace {

constexpr char kGroup[] =
    "SOURCE, where the objects come from (none given: the API server of $KUBECONFIG, then of "
    "~/.kube/config, then of the pod that this runs in)";

CLI::Option* AddServerText(CLI::App* command, const char* name, std::string& value,
                           const char* type, const char* text, const char* group = kGroup) {
  return command->add_option(name, value, text)->type_name(type)->group(group);
}

std::string TakeWait(const std::string& text, SourceOptions& source) {
  auto wait = ParseDuration(text);
  if (!wait) return "--wait " + wait.error().message;
  source.wait = *wait;
  return "";
}

}  // namespace

std::vector<CLI::Option*> AddServer(CLI::App* command, client::ServerFlags& flags,
                                    const char* group) {
  CLI::Option* const kubeconfig =
      AddServerText(command, "--kubeconfig", flags.kubeconfig, "FILE",
                    "The API server and user of this kubeconfig", group);
  CLI::Option* const context =
      AddServerText(command, "--context", flags.context, "NAME",
                    "This context of the kubeconfig, not its current one", group);
  CLI::Option* const server =
      AddServerText(command, "--server", flags.server, "URL",
                    "This API server; http://127.0.0.1:8001 is a running `kubectl proxy`", group);
  CLI::Option* const token =
      AddServerText(command, "--token-file", flags.token_file, "FILE",
                    "With --server: a bearer token, read again as it changes", group)
          ->needs(server);
  CLI::Option* const ca =
      AddServerText(command, "--ca-file", flags.ca_file, "FILE",
                    "With --server: CA bundle (PEM) that signed the server's certificate", group)
          ->needs(server);
  CLI::Option* const insecure =
      command
          ->add_flag("--insecure-skip-tls-verify", flags.insecure_skip_tls_verify,
                     "With --server: trust any certificate; a false server gets the token")
          ->needs(server)
          ->excludes(ca)
          ->group(group);
  server->excludes(kubeconfig)->excludes(context);
  return {kubeconfig, context, server, token, ca, insecure};
}

void AddSource(CLI::App* command, SourceOptions& source) {
  CLI::Option* const pod_file = AddServerText(
      command, "--pod-file", source.pod_file, "FILE",
      "A YAML or JSON file with a Pod, several documents, a PodList or List, or a "
      "Deployment, StatefulSet, DaemonSet or Job whose pod template is taken. A Namespace "
      "beside them is that of its pods, for namespace.metadata.* fields. "
      "The file is watched: what you save shows at once");
  AddServerText(
      command, "--node-file", source.node_file, "FILE",
      "A Node in the same way: for node.metadata.* fields, and for limits that fall back to "
      "its status.allocatable")
      ->needs(pod_file);
  command
      ->add_flag("--api-defaults", source.api_defaults,
                 "Give the pods of --pod-file what the API server would: a container that limits a "
                 "resource and does not request it requests what it limits. Without this the file "
                 "is shown as it stands")
      ->needs(pod_file)
      ->group(kGroup);
  std::vector<CLI::Option*> of_server = AddServer(command, source.server, kGroup);
  CLI::Option* const no_node =
      command
          ->add_flag_callback(
              "--no-node", [&source] { source.nodes = false; },
              "Do not read the pod's Node from the server: what needs it is empty")
          ->group(kGroup);
  CLI::Option* const wait =
      command
          ->add_option_function<std::string>(
              "--wait",
              [&source](const std::string& text) {
                const std::string error = TakeWait(text, source);
                if (!error.empty()) throw CLI::ValidationError(error);
              },
              "How long to wait for the API server, such as 30s or 1m; 0: one attempt. Default: "
              "mount and write wait for ever, for the pod too; the others 10s")
          ->type_name("DURATION")
          ->group(kGroup);
  of_server.insert(of_server.end(), {no_node, wait});
  for (CLI::Option* option : of_server) option->excludes(pod_file);
}

std::string ServerContradiction(const client::ServerFlags& flags) {
  if (CLI::detail::to_lower(flags.server).rfind("http://", 0) != 0) return "";
  const char* flag = nullptr;
  if (flags.insecure_skip_tls_verify) flag = "--insecure-skip-tls-verify";
  if (!flags.ca_file.empty()) flag = "--ca-file";
  if (!flags.token_file.empty()) flag = "--token-file";
  if (flag == nullptr) return "";
  return std::string(flag) + " needs an https:// server, and --server " + flags.server +
         " is not encrypted: a token is never sent in clear text (`kubectl proxy` needs none)";
}

}  // namespace downwardfs
