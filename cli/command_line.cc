// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>

#include "base/text.h"
#include "base/version.h"

namespace downwardfs {
namespace {

constexpr int kWrongUsage = 2;

constexpr char kSourceGroup[] = "SOURCE, where the objects come from";
constexpr char kWhatGroup[] = "WHAT, which pod and what is shown of it";
constexpr char kLogGroup[] = "Logging";

// CLI11 leaves the breaking of lines to the terminal, which breaks words.
class WrappingFormatter final : public CLI::Formatter {
 public:
  WrappingFormatter() { column_width(kNames); }
  std::string make_option_desc(const CLI::Option* option) const override {
    return Wrap(Formatter::make_option_desc(option));
  }
  std::string make_subcommand(const CLI::App* command) const override {
    std::stringstream out;
    CLI::detail::format_help(out, command->get_name(), Wrap(command->get_description()), kNames);
    return out.str();
  }

 private:
  static constexpr std::size_t kNames = 30;
  static constexpr std::size_t kText = 60;

  static std::string Wrap(const std::string& text) {
    std::istringstream words(text);
    std::string out;
    std::size_t column = 0;
    for (std::string word; words >> word;) {
      if (column > 0 && column + 1 + word.size() > kText) {
        out += '\n';
        column = 0;
      } else if (column > 0) {
        out += ' ';
        ++column;
      }
      out += word;
      column += word.size();
    }
    return out;
  }
};

void AddApiDefaults(CLI::App* command, SourceOptions& source) {
  command
      ->add_flag("--api-defaults", source.api_defaults,
                 "Give the pods of --pod-file what the API server would: a container that limits a "
                 "resource and does not request it requests what it limits. Without this the file "
                 "is shown as it stands")
      ->group(kSourceGroup);
}

void AddSource(CLI::App* command, SourceOptions& source) {
  command
      ->add_option("--pod-file", source.pod_file,
                   "A YAML or JSON file with a Pod, several documents, a PodList or List, or a "
                   "Deployment, StatefulSet, DaemonSet or Job whose pod template is taken. "
                   "The file is watched: what you save shows at once")
      ->type_name("FILE")
      ->required()
      ->group(kSourceGroup);
  command
      ->add_option("--node-file", source.node_file,
                   "A Node in the same way: for node.metadata.* fields, and for limits that fall "
                   "back to its status.allocatable")
      ->type_name("FILE")
      ->group(kSourceGroup);
  AddApiDefaults(command, source);
}

void AddPod(CLI::App* command, std::string& pod) {
  command->add_option("--pod", pod, "The pod; may be left out where SOURCE holds exactly one")
      ->type_name("NAMESPACE/NAME")
      ->group(kWhatGroup);
}

void AddWhat(CLI::App* command, WhatOptions& what) {
  AddPod(command, what.pod);
  auto* items = command
                    ->add_option("--items", what.items_file,
                                 "Show these items: a `downwardAPI:` volume source, or its "
                                 "`items:` and `defaultMode:` alone")
                    ->type_name("FILE")
                    ->group(kWhatGroup);
  command
      ->add_option("--volume", what.volume,
                   "Show this downwardAPI or projected volume of the pod's own spec. With neither "
                   "--items nor --volume the full view of the pod is shown")
      ->type_name("NAME")
      ->excludes(items)
      ->group(kWhatGroup);
  command
      ->add_flag("--strict", what.strict,
                 "Refuse items that the kubelet's own volume would refuse: fields beyond its five, "
                 "extended resources")
      ->group(kWhatGroup);
}

void AddLog(CLI::App* command, LogOptions& log) {
  command->add_option("--log-file", log.file, "Append log lines to FILE")
      ->type_name("FILE")
      ->group(kLogGroup);
  const std::map<std::string, LogOptions::Format> formats = {{"text", LogOptions::Format::kText},
                                                             {"json", LogOptions::Format::kJson}};
  command->add_option("--log-format", log.format, "text or json (default: text)")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->type_name("FORMAT")
      ->group(kLogGroup);
  const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::kDebug},
                                                  {"info", LogLevel::kInfo},
                                                  {"warning", LogLevel::kWarning},
                                                  {"error", LogLevel::kError}};
  command->add_option("--log-level", log.level, "debug, info, warning or error (default: info)")
      ->transform(CLI::CheckedTransformer(levels).description(""))
      ->type_name("LEVEL")
      ->group(kLogGroup);
}

CLI::App* AddMount(CLI::App& app, MountOptions& options) {
  CLI::App* command = app.add_subcommand(
      "mount", "Mount the pod's metadata as live files; returns when the mount is ready");
  AddSource(command, options.source);
  AddWhat(command, options.what);
  command->add_flag("-f,--foreground", options.foreground,
                    "Stay in the foreground and log to standard error");
  options.allow_other = geteuid() == 0;
  auto* allow = command->add_flag("--allow-other", options.allow_other,
                                  "Let other users read the files (root: the default; an ordinary "
                                  "user needs user_allow_other in /etc/fuse.conf)");
  command
      ->add_flag_callback(
          "--no-allow-other", [&options] { options.allow_other = false; },
          "Let only the mounting user read the files")
      ->excludes(allow);
  command
      ->add_option("--fs-group", options.fs_group,
                   "Give files and directories this group and the modes of a pod's fsGroup")
      ->type_name("GID");
  AddLog(command, options.log);
  command->add_option("MOUNTPOINT", options.mount_point, "An existing directory")->required();
  command->footer(
      "Unmount with `umount MOUNTPOINT` (or fusermount3 -u), or end the daemon with SIGTERM. In\n"
      "the background, log lines go to syslog unless --log-file is given.\n\n"
      "Example:\n"
      "  downwardfs mount --pod-file pod.yaml --volume podinfo ./downward\n"
      "  cat ./downward/labels");
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
          "\"mode\"}}}, bytes that are not UTF-8 as \"contentBase64\" (default: text)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}).description(""));
  command->add_option("--field", options.field, "Print the value of this one field, nothing else")
      ->type_name("FIELDPATH");
  command->footer(
      "Example:\n"
      "  downwardfs render --pod-file pod.yaml --field \"metadata.labels['app']\"\n"
      "  downwardfs render --pod-file pod.yaml --items items.yaml --format json");
  return command;
}

void AddEnvOptions(CLI::App* command, EnvCommandOptions& options) {
  AddSource(command, options.source);
  AddPod(command, options.pod);
  command->add_option("--container", options.container, "A container or init container of the pod")
      ->type_name("NAME")
      ->required()
      ->group(kWhatGroup);
  command->add_flag("--skip-unresolved", options.skip_unresolved,
                    "Leave out variables that need an API server or a Node, instead of failing");
}

CLI::App* AddEnv(CLI::App& app, EnvCommandOptions& options) {
  CLI::App* command =
      app.add_subcommand("env", "Print the container's environment as the kubelet would make it");
  AddEnvOptions(command, options);
  command->add_option("--format", options.format, "dotenv, json or shell (default: dotenv)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"dotenv", "json", "shell"}).description(""));
  command->footer(
      "Example:\n"
      "  eval \"$(downwardfs env --pod-file pod.yaml --container main --format shell)\"");
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
      "  downwardfs exec --pod-file pod.yaml --container main -- sh -c 'echo $POD_NAME'");
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
      "  downwardfs write --pod-file pod.yaml --volume podinfo --to /run/podinfo");
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

[[noreturn]] void WrongUsage(const CLI::App& app, const std::string& message) {
  const auto used = app.get_subcommands();
  const std::string program =
      used.empty() ? "downwardfs" : "downwardfs " + used.front()->get_name();
  const std::string line = program + ": " + OneLine(message) + " (see " + program + " --help)\n";
  std::fputs(line.c_str(), stderr);
  std::exit(kWrongUsage);  // NOLINT(concurrency-mt-unsafe): no thread exists yet
}

}  // namespace

CommandLine ParseCommandLine(int argc, char** argv) {
  CommandLine line;
  CLI::App app("Kubernetes pod metadata as live files.", "downwardfs");
  app.set_version_flag("--version", "downwardfs " + std::string(Version()));
  app.require_subcommand(1);
  app.formatter(std::make_shared<WrappingFormatter>());
  using Command = CommandLine::Command;
  const std::map<CLI::App*, Command> commands = {
      {AddMount(app, line.mount), Command::kMount}, {AddRender(app, line.render), Command::kRender},
      {AddEnv(app, line.env), Command::kEnv},       {AddExec(app, line.env), Command::kExec},
      {AddWrite(app, line.write), Command::kWrite}, {AddStatus(app, line.status), Command::kStatus},
  };
  for (const auto& [command, name] : commands) {
    command->set_version_flag("--version", "downwardfs " + std::string(Version()));
  }
  app.footer("Run `downwardfs COMMAND --help` for a command's options and an example.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    std::exit(app.exit(help));  // NOLINT(concurrency-mt-unsafe): no thread exists yet
  } catch (const CLI::ParseError& error) {
    WrongUsage(app, error.what());
  }
  line.command = commands.at(app.get_subcommands().front());
  return line;
}

}  // namespace downwardfs
