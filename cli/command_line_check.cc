// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line_check.h"

#include <unistd.h>

#include "base/text.h"
#include "cli/csi_flags.h"
#include "cli/source_flags.h"

namespace downwardfs {
namespace {

// The fault of SOURCE and WHAT together; empty if they agree. An API server holds more pods
// than one; a file may hold just one.
std::string CheckInput(const SourceOptions& source, const std::string& pod,
                       const char* instead = "") {
  if (source.pod_file.empty() && pod.empty()) {
    return Concat(
        {"--pod NAMESPACE/NAME is required with an API server; or give --pod-file FILE", instead});
  }
  return ServerContradiction(source.server);
}

// Asking needs somebody to ask.
std::string CheckMountPoint(const MountOptions& options) {
  if (!options.mount_point.empty()) return "";
  const WhatOptions& what = options.what;
  const bool one_pod = !what.pod.empty() || !options.source.pod_file.empty() ||
                       !what.items_file.empty() || !what.volume.empty() || what.strict;
  if (one_pod) return "MOUNTPOINT is required";
  if (isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0) return "";
  return "MOUNTPOINT is required (on a terminal, the current cluster is offered at ~/k8s/CONTEXT)";
}

std::string CheckTree(const MountOptions& options) {
  if (std::string wrong = CheckMountPoint(options); !wrong.empty()) return wrong;
  if (options.live_layout) return "--layout live is for the volume of one pod";
  if (options.fs_group) return "--fs-group is for the volume of one pod";
  // --no-holder says what is true anyway.
  const char* const of_holder = !options.run_as.empty()  ? "--run-as"
                                : options.watchdog_given ? "--watchdog"
                                : !options.resend        ? "--no-resend"
                                                         : nullptr;
  if (of_holder != nullptr) {
    return Concat({of_holder, " is for the mount of one pod: no holder watches over a tree"});
  }
  for (const std::string& ns : options.what.namespaces) {
    const bool good = !ns.empty() && ns.size() <= 63 &&
                      ns.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == ns.npos;
    if (!good) {
      return "--namespace " + QuoteForMessage(ns) +
             ": must consist of at most 63 lower case letters, digits and '-'";
    }
  }
  return ServerContradiction(options.source.server);
}

}  // namespace

std::string CheckCommandLine(const CommandLine& line) {
  switch (line.command) {
    case CommandLine::Command::kMount:
      if (line.mount.what.is_tree() || line.mount.mount_point.empty()) return CheckTree(line.mount);
      return CheckInput(line.mount.source, line.mount.what.pod,
                        ", or --cluster or --namespace NS for all pods as a tree");
    case CommandLine::Command::kRender:
      return CheckInput(line.render.source, line.render.what.pod);
    case CommandLine::Command::kWrite:
      return CheckInput(line.write.source, line.write.what.pod);
    case CommandLine::Command::kEnv:
    case CommandLine::Command::kExec:
      return CheckInput(line.env.source, line.env.pod);
    case CommandLine::Command::kCsi:
      return CsiContradiction(line.csi);
    case CommandLine::Command::kStatus:
    case CommandLine::Command::kAlive:
    case CommandLine::Command::kUmount:
    case CommandLine::Command::kUpgrade:
      return "";
  }
  return "";
}

}  // namespace downwardfs
