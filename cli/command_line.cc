// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>

#include "base/file.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/command_line_check.h"
#include "cli/completion.h"
#include "cli/csi_flags.h"
#include "cli/help_format.h"
#include "cli/log_flags.h"
#include "cli/man_page.h"
#include "cli/source_flags.h"
#include "cli/survival_flags.h"
#include "cli/what_flags.h"

namespace downwardfs {
namespace {

constexpr int kWrongUsage = 2;

CLI::App* AddMount(CLI::App& app, MountOptions& options) {
  CLI::App* command = app.add_subcommand(
      "mount",
      "Mount a pod's metadata, or a cluster's, as live files; returns when the mount is ready");
  AddSource(command, options.source);
  AddWhat(command, options.what);
  AddTree(command, options.what);
  command->add_flag("-f,--foreground", options.foreground,
                    "Stay in the foreground and log to standard error");
  command->add_flag(
      "--over-mounts", options.over_mounts,
      "Mount also where something is mounted already (an emptyDir, a bind mount), and "
      "hide it until umount");
  options.allow_other = geteuid() == 0;
  auto* allow = command->add_flag("--allow-other", options.allow_other,
                                  "Let other users read the files (root: the default; an ordinary "
                                  "user needs user_allow_other in /etc/fuse.conf)");
  allow->each([&options](const std::string&) { options.allow_other_given = true; });
  command
      ->add_flag_callback(
          "--no-allow-other", [&options] { options.allow_other = false; },
          "Let only the mounting user read the files")
      ->excludes(allow);
  command
      ->add_option("--fs-group", options.fs_group,
                   "Give files and directories this group and the modes of a pod's fsGroup")
      ->type_name("GID")
      ->check(CLI::Range(0U, 4294967294U).description(""));
  command
      ->add_option_function<std::string>(
          "--layout", [&options](const std::string& name) { options.live_layout = name == "live"; },
          "kubelet: `..data`, links, and all files change at one instant. live: regular files that "
          "change in place, so that bind mounts of single files and subPath stay live (default: "
          "kubelet)")
      ->type_name("LAYOUT")
      ->check(CLI::IsMember({"kubelet", "live"}).description(""));
  command
      ->add_option("--selinux-context", options.selinux_context,
                   "Label the files with this SELinux context (root, where SELinux is enabled), "
                   "such as system_u:object_r:container_file_t:s0")
      ->type_name("CONTEXT");
  command
      ->add_option("--mount-namespace", options.mount_namespace,
                   "Mount in this mount namespace, such as /proc/1/ns/mnt; the daemon stays in the "
                   "present one. For a service that is confined (root; all paths absolute)")
      ->type_name("FILE");
  command
      ->add_flag_callback(
          "--no-holder", [&options] { options.holder = false; },
          "One process alone: if it dies, so does the mount. (As root a small second process holds "
          "the mount and starts the daemon again; readers see nothing of it.)")
      ->group(kSurvivalGroup);
  AddSurvival(
      command, options.watchdog_ms, options.run_as, options.resend,
      "The daemon's user, such as 65534:65534; the files that it reads must be readable for "
      "that user (default: root without any capability, or the owner of inputs that only "
      "this user may read, such as those in a home of mode 0700)");
  command->get_option("--watchdog")->each([&options](const std::string&) {
    options.watchdog_given = true;
  });
  command->add_option("--source-name", options.source_name)->group("");  // of mount.downwardfs
  command->add_option("--directory", options.directory)->group("");      // of the holder
  command->add_option("--log-file-at", options.log_file_at)->group("");  // of the holder
  AddLog(command, options.log);
  command->add_option(
      "MOUNTPOINT", options.mount_point,
      "An existing directory. Without one, and without a pod, the current "
      "context's cluster is mounted at ~/k8s/CONTEXT, after asking on the terminal");
  command->footer(
      "Unmount with `downwardfs umount MOUNTPOINT`, or end the daemon with SIGTERM. In\n"
      "the background, log lines go to syslog unless --log-file is given.\n\n"
      "Example:\n"
      "  downwardfs mount --pod-file pod.yaml --volume podinfo ./downward\n"
      "  cat ./downward/labels\n"
      "  downwardfs mount --pod default/web ./web         # as kubectl finds the server\n"
      "  downwardfs mount --context dev --pod web --volume podinfo --wait 1m ./downward\n"
      "  kubectl proxy & downwardfs mount --server http://127.0.0.1:8001 --pod web web\n"
      "  downwardfs mount --cluster ~/k8s\n"
      "  grep -l 'app=\"web\"' ~/k8s/namespaces/*/pods/*/labels\n"
      "  downwardfs mount --namespace dev,test ~/k8s");
  return command;
}

CLI::App* AddRender(CLI::App& app, RenderOptions& options) {
  CLI::App* command =
      app.add_subcommand("render", "Print once what a mount would show; exit 1 names a bad item");
  AddSource(command, options.source);
  AddWhat(command, options.what);
  command
      ->add_option_function<std::string>(
          "--format", [&options](const std::string& name) { options.json = name == "json"; },
          "text: each file after a line with its name; json: {\"files\": {NAME: {\"content\", "
          "\"mode\"}}}, with \"user\" where one is given, bytes that are not UTF-8 as "
          "\"contentBase64\" (default: text)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}).description(""));
  CLI::Option* const field =
      command
          ->add_option("--field", options.field, "Print the value of this one field, nothing else")
          ->type_name("FIELDPATH");
  for (const char* of_files : {"--items", "--volume", "--strict", "--format"}) {
    field->excludes(command->get_option(of_files));
  }
  command->footer(
      "Example:\n"
      "  downwardfs render --pod-file pod.yaml --field \"metadata.labels['app']\"\n"
      "  downwardfs render --pod-file pod.yaml --items items.yaml --format json\n"
      "  downwardfs render --pod default/web --volume podinfo");
  return command;
}

void AddEnvOptions(CLI::App* command, EnvCommandOptions& options) {
  AddSource(command, options.source);
  AddPod(command, options.pod);
  command
      ->add_option("--container", options.container,
                   "A container, init container or ephemeral container of the pod; may be left out "
                   "where the pod has exactly one container")
      ->type_name("NAME")
      ->group(kWhatGroup);
  command
      ->add_flag("--service-env", options.service_env,
                 "Add the variables of Services as the kubelet does: always those of "
                 "default/kubernetes (KUBERNETES_SERVICE_HOST), and those of the pod's namespace "
                 "unless enableServiceLinks is false. Reads Services from the API server")
      ->group(kWhatGroup);
  command
      ->add_flag("--strict-env-names", options.strict_names,
                 "Take only the names that Kubernetes took before 1.32 (letters, digits, '-', '_', "
                 "'.'): another name is an error, such a key of envFrom is left out")
      ->group(kWhatGroup);
  command->add_flag("--skip-unresolved", options.skip_unresolved,
                    "Leave out variables that need an API server or a Node, instead of failing");
}

CLI::App* AddEnv(CLI::App& app, EnvCommandOptions& options) {
  CLI::App* command =
      app.add_subcommand("env", "Print the container's environment as the kubelet would make it");
  AddEnvOptions(command, options);
  command
      ->add_option(
          "--format", options.format,
          "dotenv, json or shell (default: dotenv). In json, a value that is not UTF-8 has its "
          "bytes beside it, in base64, as \"NAME=base64\"")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"dotenv", "json", "shell"}).description(""));
  command->footer(
      "Example:\n"
      "  eval \"$(downwardfs env --pod-file pod.yaml --container main --format shell)\"\n"
      "  downwardfs env --pod default/web --container main");
  return command;
}

CLI::App* AddExec(CLI::App& app, EnvCommandOptions& options) {
  CLI::App* command = app.add_subcommand(
      "exec", "Run a command with the container's environment added to this one");
  AddEnvOptions(command, options);
  command->add_option("COMMAND", options.command, "The command and its arguments, after --")
      ->required();
  command->positionals_at_end();
  command->footer(
      "Example:\n"
      "  downwardfs exec --pod-file pod.yaml --container main -- sh -c 'echo $POD_NAME'\n"
      "  downwardfs exec --context dev --pod default/web --container main -- ./server");
  return command;
}

CLI::App* AddWrite(CLI::App& app, WriteOptions& options) {
  CLI::App* command = app.add_subcommand(
      "write", "Keep the same files up to date in a plain directory; needs no FUSE, no privilege");
  AddSource(command, options.source);
  AddWhat(command, options.what);
  command
      ->add_option("--to", options.directory,
                   "An existing directory; it gets the layout of the kubelet's atomic writer")
      ->type_name("DIR")
      ->required();
  command->add_flag("--once", options.once, "Write once and exit, instead of following changes");
  AddLog(command, options.log);
  command->footer(
      "Runs until SIGTERM or SIGINT; the files stay.\n\n"
      "Example:\n"
      "  downwardfs write --pod-file pod.yaml --volume podinfo --to /run/podinfo\n"
      "  downwardfs write --pod \"$NAMESPACE/$POD\" --volume podinfo --to /run/podinfo");
  return command;
}

CLI::App* AddStatus(CLI::App& app, StatusOptions& options) {
  CLI::App* command = app.add_subcommand(
      "status", "Say how a mount is doing: source, age of the data, last error, request counters");
  command->add_option("MOUNTPOINT", options.mount_point, "A downwardfs mount")->required();
  command
      ->add_option_function<std::string>(
          "--format", [&options](const std::string& name) { options.json = name == "json"; },
          "text or json (default: text)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}).description(""));
  command->footer(
      "Example:\n"
      "  downwardfs status ./downward --format json");
  return command;
}

CLI::App* AddAlive(CLI::App& app, AliveOptions& options) {
  CLI::App* command =
      app.add_subcommand("alive", "Exit 0 if somebody serves a mount, 1 if not: for probes");
  command->add_option("PATH", options.path, "A downwardfs mount, or a file of one")->required();
  command->footer(
      "The kernel goes on to show the files that it has cached if nobody serves the\n"
      "mount any more, so a probe that reads a file learns nothing. This command asks\n"
      "the daemon. In an image without this program: `test -e MOUNTPOINT/..alive`, or\n"
      "`stat -f FILE` for a subPath.\n\n"
      "Example:\n"
      "  downwardfs alive /etc/downward");
  return command;
}

CLI::App* AddUmount(CLI::App& app, UmountOptions& options) {
  CLI::App* command = app.add_subcommand("umount", "Unmount what `downwardfs mount` has mounted");
  command->add_option("MOUNTPOINT", options.mount_point, "A downwardfs mount")->required();
  command->add_flag("-l,--lazy", options.lazy,
                    "Take it away now even if it is in use; it ends with its last user");
  command->footer(
      "Example:\n"
      "  downwardfs umount ~/k8s/dev");
  return command;
}

CLI::App* AddCompletion(CLI::App& app, std::string& shell) {
  CLI::App* command =
      app.add_subcommand("completion", "Print a script that completes this command line");
  command->add_option("SHELL", shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
  command->footer(
      "Installed packages have it in place. By hand:\n"
      "  downwardfs completion bash \\\n"
      "    > ~/.local/share/bash-completion/completions/downwardfs\n"
      "  downwardfs completion zsh > \"${fpath[1]}/_downwardfs\"\n"
      "  downwardfs completion fish > ~/.config/fish/completions/downwardfs.fish");
  return command;
}

CLI::App* AddUpgrade(CLI::App& app, UpgradeOptions& options) {
  CLI::App* command = app.add_subcommand(
      "upgrade", "Have another build take over a mount, with its readers running");
  command->add_option("MOUNTPOINT", options.mount_point, "A downwardfs mount with a holder")
      ->required();
  command->footer(
      "Install the new build over the old one first: holder and daemon are started\n"
      "again from the paths that they were started from. Returns when the new daemon\n"
      "serves.\n\n"
      "Example:\n"
      "  downwardfs upgrade /etc/downward");
  return command;
}

CLI::App* AddCsi(CLI::App& app, CsiOptions& options) {
  CLI::App* command = app.add_subcommand(
      "csi", "The CSI node plugin: pods mount their own metadata as an inline volume");
  AddCsiFlags(command, options);
  return command;
}

[[noreturn]] void Print(const std::string& text) {
  const auto written = WriteAll(STDOUT_FILENO, text, "standard output");
  if (!written) std::fprintf(stderr, "downwardfs: %s\n", written.error().message.c_str());
  std::exit(written ? 0 : 1);  // NOLINT(concurrency-mt-unsafe): no thread exists yet
}

[[noreturn]] void WrongUsage(const CLI::App& app, const std::string& message) {
  const auto used = app.get_subcommands();
  const std::string program =
      used.empty() ? "downwardfs" : "downwardfs " + used.front()->get_name();
  const std::string line = program + ": " + OneLine(message) + " (see " + program + " --help)\n";
  std::fputs(line.c_str(), stderr);
  std::exit(kWrongUsage);  // NOLINT(concurrency-mt-unsafe): no thread exists yet
}

// Each would be asked for on its own.
void DropRepeated(std::vector<std::string>& names) {
  std::vector<std::string> once;
  for (std::string& name : names) {
    if (std::find(once.begin(), once.end(), name) == once.end()) once.push_back(std::move(name));
  }
  names = std::move(once);
}

}  // namespace

CommandLine ParseCommandLine(int argc, char** argv) {
  CommandLine line;
  CLI::App app("Kubernetes pod metadata as live files.", "downwardfs");
  app.set_version_flag("--version", "downwardfs " + std::string(Version()));
  app.require_subcommand(1);
  app.formatter(HelpFormatter());
  using Command = CommandLine::Command;
  const std::map<CLI::App*, Command> commands = {
      {AddMount(app, line.mount), Command::kMount},
      {AddRender(app, line.render), Command::kRender},
      {AddEnv(app, line.env), Command::kEnv},
      {AddExec(app, line.env), Command::kExec},
      {AddWrite(app, line.write), Command::kWrite},
      {AddStatus(app, line.status), Command::kStatus},
      {AddAlive(app, line.alive), Command::kAlive},
      {AddUpgrade(app, line.upgrade), Command::kUpgrade},
      {AddCsi(app, line.csi), Command::kCsi},
      {AddUmount(app, line.umount), Command::kUmount},
  };
  std::string shell;
  CLI::App* const completion = AddCompletion(app, shell);
  CLI::App* const man = app.add_subcommand("man", "Print downwardfs(1)")->group("");
  for (const auto& [command, name] : commands) {
    command->set_version_flag("--version", "downwardfs " + std::string(Version()));
  }
  app.footer("Run `downwardfs COMMAND --help` for a command's options and an example.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    std::ostringstream text;
    app.exit(help, text);
    Print(text.str());
  } catch (const CLI::ParseError& error) {
    WrongUsage(app, error.what());
  }
  if (completion->parsed()) Print(CompletionScript(app, shell));
  if (man->parsed()) Print(ManPage(app));
  DropRepeated(line.mount.what.namespaces);
  line.mount.arguments.assign(argv + 1, argv + argc);
  line.csi.arguments.assign(argv + std::min(argc, 2), argv + argc);
  line.command = commands.at(app.get_subcommands().front());
  if (const std::string wrong = CheckCommandLine(line); !wrong.empty()) WrongUsage(app, wrong);
  return line;
}

}  // namespace downwardfs
